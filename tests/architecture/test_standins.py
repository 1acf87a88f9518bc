"""What stands in while modules of others load is what these modules would have, as far as anybody asks."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from llmcfg.standins import Later, standing_in

ASKED_LATER = {
    "load_pathlib": "import urllib.parse as u; print(u.urlsplit('http://[::1]:80/').hostname, u.ipaddress.ip_address('::1'))",
    "load_msgspec": """
import dataclasses, msgspec, uuid
@dataclasses.dataclass
class Plain:
    a: int = 1
class Struct(msgspec.Struct):
    a: list[int]
print(Plain.__doc__, msgspec.inspect.type_info(Struct), msgspec.json.schema(Struct), uuid.uuid5(uuid.NAMESPACE_URL, "x"))
print(msgspec.json.decode(b'{"a": [1]}', type=Struct), msgspec.msgpack.decode(msgspec.msgpack.encode({"a": 1})))
""",
}
MODULES = ("ipaddress", "inspect", "platform", "textwrap", "msgspec.inspect", "typing_extensions")


def printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.mark.parametrize("load", ASKED_LATER)
def test_what_was_stood_in_for_says_later_what_it_says(load):
    sparing = printed(f"import llmcfg.standins as s; s.{load}(); {ASKED_LATER[load].lstrip()}")
    assert sparing == printed(ASKED_LATER[load])


@pytest.mark.parametrize("load", ["load_pathlib", "load_msgspec"])
def test_nothing_stays_in_the_place_of_a_module(load):
    asking = "".join(f"import {name}; assert not isinstance(sys.modules[{name!r}], s.Later); " for name in MODULES)
    printed(f"import sys, llmcfg.standins as s; s.{load}(); {asking}platform.machine()")


def test_a_program_that_loads_pygit2_and_jsonschema_rs_through_us_has_the_real_modules_after_it():
    printed(
        "import llmcfg.git.libgit2, llmcfg.pipeline.schema.native\n"
        "import ssl, tarfile, email.utils\n"
        "ssl.create_default_context(); tarfile.TarInfo('a'); email.utils.formataddr(('a', 'b@c.d'))\n"
        "assert email.utils.parsedate_to_datetime('Tue, 27 Oct 2026 10:17:51 +0000').year == 2026"
    )


def test_a_module_that_is_loaded_stays_and_one_that_is_not_is_loaded_when_it_is_asked():
    import json

    with standing_in(Later("json", loads=None), Later("colorsys", ONE_SIXTH="ours"), absent=("sched",)):
        import colorsys
        import json as again

        assert again is json
        assert "sched" in sys.modules
        assert colorsys.ONE_SIXTH == "ours"
        assert colorsys.ONE_THIRD == 1 / 3
        assert not hasattr(colorsys, "no_such_name")
    assert "sched" not in sys.modules
    assert sys.modules["colorsys"].ONE_SIXTH == 1 / 6
    with pytest.raises(ImportError), standing_in(absent=("sched",)):
        import_module("sched")
