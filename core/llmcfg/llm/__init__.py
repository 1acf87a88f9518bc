"""What configuration of LLM platforms means: a model catalogue, a neutral picture of a platform, and rules over it.

Pure but for the shipped catalogue, which is read when it is first asked. docs/adr/0017-rules-see-a-platform-not-a-file-format.md says
how the parts fit.
"""
