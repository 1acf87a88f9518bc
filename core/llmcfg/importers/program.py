"""What an importer has to know of a program that reads one YAML file of sections."""

from __future__ import annotations

from typing import NamedTuple


class Program(NamedTuple):
    """`label` names the folder below base/ and begins the names of files and secrets; `title` is what people call it.

    `consumer` gets `output`, the file, and <label>.env, its secrets. The program reads a variable of its environment where the text is
    `prefix`, the variable and `suffix`. `carries_variables`: those that are no credentials become variables of the manifest; elsewhere
    they stay as they are written. `sections` are those that it looks for; a file may have any others beside them, and one with
    none of these is another program's. `has_yaml_12`: it reads its file as programs in JavaScript do, where `yes` is a text.
    """

    label: str
    title: str
    consumer: str
    output: str
    prefix: str
    sections: frozenset[str]
    suffix: str = ""
    carries_variables: bool = False
    has_yaml_12: bool = False
