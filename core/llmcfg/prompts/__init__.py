"""Prompts: versions that are never edited once they are released, their templates, what is wrong with them, and other tools' files."""
