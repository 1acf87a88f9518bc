"""Changes of how a configuration is written that change nothing of what it says, and prove it."""
