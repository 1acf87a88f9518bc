"""SOPS files, read and written natively and byte-compatible with the sops tool. Pure functions over bytes.

`files` decrypts and encrypts whole files, `edit` changes single values and leaves every other byte as it is, `rotate` changes
recipients and data keys. This package imports nothing until one of them is needed.
"""
