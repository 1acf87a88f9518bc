"""Typed records of a composed configuration, and the free-form documents beside them, as a platform (docs/spec/llm-records.md)."""
