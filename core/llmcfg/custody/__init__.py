"""The secrets that a repository keeps: found by name, changed in their files, and taken out. What the `secret` commands do.

`places` finds files by names of secrets without any key. `files` reads and writes them. The verbs are functions over both: `changes`,
`reveal`, `edits`, `transfer`, `folding`, and `overview` for what can be told without a key. Nothing here asks or prints.
"""
