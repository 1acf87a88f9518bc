"""One target's bundle as one mapped file, its digest tree, and deltas between two of them (docs/spec/bundle-file.md).

Programs read bundles through this, so it imports no more than msgspec and the standard library.
"""
