"""What a platform may cost, and what it is expected to cost."""
