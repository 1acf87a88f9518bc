"""Importers: what other programs' configuration files say, as a small configuration repository. Pure functions from bytes to files.

One module a program (`litellm`); beside them the parts that any importer needs: `source` (the file as YAML 1.1 readers see it),
`values` (its meaning), `splice` (its text, made strict), `writing` (strict text for new values) and `environment` (names of
environment variables).
"""
