"""Modules of others, loaded without what they load themselves and hardly ever use (docs/adr/0050).

While one loads, something stands in `sys.modules` for what it would load. What it then holds is asked for an attribute and loads the real
thing at that moment; whoever imports that later gets the real one, as ever. What is loaded already stays.

It is for processes of ours: it decides nothing for a program that imports `llmcfg`.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

TYPE_CHECKING = False  # importing `typing` takes as long as most of what is spared here
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Later(ModuleType):
    """A module that is loaded when it is asked for something, but for what is `known` of it."""

    def __init__(self, name: str, **known: object) -> None:
        super().__init__(name)
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # asked by `from … import …`, of what is no package
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


@contextmanager
def standing_in(*modules: ModuleType, absent: tuple[str, ...] = ()) -> Iterator[None]:
    """Each in the place of the module that it has the name of; those that are `absent` cannot be loaded meanwhile."""
    placed = {module.__name__: module for module in modules} | dict.fromkeys(absent)
    placed = {name: module for name, module in placed.items() if name not in sys.modules}
    sys.modules.update(placed)  # type: ignore[arg-type]  # None is how Python has it
    try:
        yield
    finally:
        for name, module in placed.items():
            if sys.modules.get(name, module) is module:
                sys.modules.pop(name, None)


def load_pathlib() -> None:
    """It loads `urllib.parse`, which wants ipaddress for some URLs."""
    with standing_in(Later("ipaddress")):
        import pathlib
    del pathlib


def load_msgspec() -> None:
    """With `dataclasses`, which wants inspect for classes without docstring.

    Of what msgspec loads, `uuid` asks platform for one word, JSON Schema wants inspect of its own, and where there is no
    `typing_extensions` it takes `typing`.
    """
    platform = Later("platform", system=lambda: os.uname().sysname)
    others = (Later(name) for name in ("inspect", "textwrap", "msgspec.inspect"))
    with standing_in(platform, *others, absent=("typing_extensions",)):
        import dataclasses

        import msgspec
    del dataclasses, msgspec
