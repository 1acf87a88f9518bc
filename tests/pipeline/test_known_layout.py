"""What is remembered of which file is what is what sorting them says, of any files."""

from __future__ import annotations
