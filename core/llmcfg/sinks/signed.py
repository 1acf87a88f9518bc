"""A signed bundle read whole, from a bundle file or from the plain files of a folder, to be held against a root of trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.bundlefile.files import BUNDLE_FILE
from llmcfg.bundlefile.reader import open_bundle
from llmcfg.client.directory import load_plain
from llmcfg.disk import storage_errors
from llmcfg.errors import IntegrityError
from llmcfg.signing.statement import with_claims
from llmcfg.sinks.delivered import read_delivered

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.bundlefile.bundle import Bundle


def read_signed(path: Path) -> Bundle:
    """Everything in it is read and has its digest. In a folder the bundle file, where there is one, has to be the same bundle.

    Raises NotFoundError and IntegrityError.
    """
    with storage_errors("read", path):
        if path.is_file():
            return _read_file(path)
        read_delivered(path)  # there is nothing but what the manifest names
        bundle = load_plain(path, with_claims).bundle
        file = path / BUNDLE_FILE
        if file.is_file() and _identity(_read_file(file)) != _identity(bundle):
            raise IntegrityError(f"{file} is not the bundle of the files beside it", hint="deploy again: llmcfg apply")
        return bundle


def _read_file(path: Path) -> Bundle:
    bundle = open_bundle(path, check=True)
    bundle.verify()
    return bundle


def _identity(bundle: Bundle) -> tuple[object, ...]:
    return bundle.head.root, bundle.head.digest, bundle.head.commit, bundle.head.claims
