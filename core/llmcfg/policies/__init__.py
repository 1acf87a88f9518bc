"""Policies in Rego: what a module says about itself, what it may call and read, and running it. Pure but for the child that runs them.

`modules` and `lint` read the text; `regoworker` is the only module that imports the engine, and only in the child.
"""
