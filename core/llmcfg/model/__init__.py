"""The frozen vocabulary that every layer shares. Standard library only."""
