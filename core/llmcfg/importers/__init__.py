"""Importers: what other programs' configuration files say, as a small configuration repository. Pure functions from bytes to files.

One module a program (`litellm`, `librechat`, `mcp`, `env`); beside them what programs with one YAML file of sections share:
`sectioned` (the whole way), `source` (the file as its readers see it), `values` (its meaning), `literals` (secrets in the clear),
`splice` (its text, made strict), `writing` (strict text for new values), `sectionfiles` (the files of the repository) and `environment`
(names of variables).
"""
