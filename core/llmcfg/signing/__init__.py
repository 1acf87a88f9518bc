"""Signed bundles: what is signed, who signs, and what a consumer takes (docs/spec/signing.md)."""
