"""The records of documents, as they are read or as they were remembered: to read one takes its value, all of which has to be resolved.

They are remembered of documents without problems in whose values nothing looks like a secret, and only if they come back as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.llm.records.document import Readings, Records
from llmcfg.llm.records.folders import is_of_platform
from llmcfg.pipeline.known import SEALED_MARK, name_of_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Value
    from llmcfg.pipeline.effective import Effective
    from llmcfg.pipeline.memo import Memo
    from llmcfg.pipeline.resolve import Resolved
    from llmcfg.ports import Cache

_DECODER: Final = msgspec.msgpack.Decoder(Records)
_ENCODER: Final = msgspec.msgpack.Encoder()
_IN_ORDER: Final = msgspec.msgpack.Encoder(order="deterministic")


def readings_of(memo: Memo) -> Readings:
    """What was read of documents, for all scopes and revisions."""
    if memo.readings is None:
        memo.readings = Readings()
    return memo.readings


def records_in(effective: Effective, memo: Memo) -> Mapping[str, Records]:
    """Of the documents of a scope that hold some, by name."""
    return {name: records_of(resolved, memo) for name, resolved in effective.documents.items() if is_of_platform(name)}


def records_of(resolved: Resolved, memo: Memo) -> Records:
    readings, disk = readings_of(memo), memo.disk
    if disk is None or not resolved.digest or resolved.problems or resolved.composed.problems:
        return readings.read(resolved.name, resolved.value)
    return readings.find(resolved.name, resolved.digest, lambda: _find(resolved, readings, disk))


def encode_records(records: Records) -> bytes | None:
    """None where they would not be read back as they are."""
    try:
        content = _ENCODER.encode(records)
        same = _IN_ORDER.encode(_DECODER.decode(content)) == _IN_ORDER.encode(records)
    except (TypeError, ValueError, RecursionError):
        return None
    return content if same else None


def decode_records(content: bytes) -> Records:
    return _DECODER.decode(content)


def _find(resolved: Resolved, readings: Readings, disk: Cache) -> Records:
    name = name_of_bytes("records", [resolved.name.encode(), b"\0", resolved.digest])
    stored = disk.content(name)
    if stored is not None:
        return decode_records(stored)
    records = readings.read(resolved.name, resolved.value)
    content = encode_records(records)
    if content is not None and _may_be_kept(resolved.value):
        disk.add(name, content)
    return records


def _may_be_kept(value: Value) -> bool:
    """What others say is in it too, where it refers to them."""
    from llmcfg.secrets.plaintext import find_plaintext

    try:
        text = msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return SEALED_MARK not in text and not find_plaintext(text, by_name=True)
