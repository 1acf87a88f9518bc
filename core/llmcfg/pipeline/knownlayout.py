"""Which file of a snapshot is what, as it is remembered: the same files are in the same places, whatever they hold.

Where a file belongs follows from the paths of all files and from the manifest. It is remembered where nothing was found amiss, as the
place of each file among all, so of thousands of documents only those are made that somebody asks for.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.model.made import Made
from llmcfg.pipeline.known import name_of
from llmcfg.pipeline.layers import MANIFEST, Layer, Layout, sort_files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from llmcfg.model.manifest import Manifest
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.ports import Cache

    At = Callable[[int], BlobEntry]


class _Files(msgspec.Struct, array_like=True, frozen=True):
    """Names of files, and their places among all paths."""

    names: str
    places: bytes


class _KnownLayer(msgspec.Struct, array_like=True, frozen=True):
    folder: str
    tenant: str | None
    documents: _Files
    secret_files: _Files


class _KnownLayout(msgspec.Struct, array_like=True, frozen=True):
    layers: list[_KnownLayer]
    consumers: _Files
    schemas: _Files
    templates: _Files
    policies: _Files


_WIDTH: Final = 4  # bytes of a place
_DECODER: Final = msgspec.msgpack.Decoder(_KnownLayout)


def layout_of(
    entries: Mapping[str, BlobEntry], manifest: Manifest, refused: Collection[str], disk: Cache | None
) -> Layout:
    """As `sort_files` sorts them, or has sorted them before."""
    if disk is None or refused:
        return sort_files(entries, manifest, refused)
    name = name_of("layout", entries[MANIFEST].oid, *entries)
    paths = [*entries]
    content = disk.content(name)
    if content is not None:
        return _restored(_DECODER.decode(content), lambda place: entries[paths[place]])
    layout = sort_files(entries, manifest)
    if not layout.findings:
        disk.add(name, msgspec.msgpack.encode(_known(layout, paths)))
    return layout


def _known(layout: Layout, paths: Sequence[str]) -> _KnownLayout:
    place_of = {path: place for place, path in enumerate(paths)}

    def files(named: Mapping[str, BlobEntry]) -> _Files:
        places = [place_of[entry.path] for entry in named.values()]
        return _Files("\0".join(named), struct.pack(f"<{len(places)}I", *places))

    layers = [
        _KnownLayer(
            layer.folder,
            layer.tenant,
            files(layer.documents),
            files({entry.path: entry for entry in layer.secret_files}),
        )
        for layer in layout.layers.values()
    ]
    return _KnownLayout(
        layers, files(layout.consumers), files(layout.schemas), files(layout.templates), files(layout.policies)
    )


def _restored(known: _KnownLayout, at: At) -> Layout:
    layers = {
        layer.folder: Layer(
            layer.folder, _named(layer.documents, at), tuple(_named(layer.secret_files, at).values()), layer.tenant
        )
        for layer in known.layers
    }
    consumers, schemas, templates, policies = (
        dict(_named(files, at)) for files in (known.consumers, known.schemas, known.templates, known.policies)
    )
    return Layout(layers, consumers, schemas, templates, policies, ())


def _named(files: _Files, at: At) -> Mapping[str, BlobEntry]:
    places = struct.unpack(f"<{len(files.places) // _WIDTH}I", files.places)
    named = dict(zip(files.names.split("\0"), places, strict=True)) if places else {}
    return Made(named, lambda name: at(named[name]))
