"""The acceptance suite: command sessions as text, run for real. README.md here has the format."""
