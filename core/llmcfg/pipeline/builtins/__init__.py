"""Renderers that come with llmcfg: an output names one as `builtin:NAME` where it would name a template.

Each is a pure function from what a template sees to the text of one file. It runs where templates run, within the same limits, and
secrets are references for it too.
"""
