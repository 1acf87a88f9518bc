"""Secrets as the build sees them: names and ciphertexts, never values."""
