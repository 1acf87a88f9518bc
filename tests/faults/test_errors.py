"""Every call of the system refused once, for everything that writes durably: told as an error, and what was acknowledged holds."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager

import pytest

from llmcfg.errors import LlmcfgError

from .crashes import unflushed
from .writers import WRITERS

CALLS = ["open", "write", "fsync", "rename", "unlink", "mkdir", "symlink", "link"]
AS_THEY_COME = {"a file in new folders", "lines of a log"}  # use functions that pass on what the system says


class Refusal:
    """The call number `at` is answered with an error, or what it writes is cut short."""

    def __init__(self, at, number):
        self.at, self.number, self.count = at, number, 0

    def instead_of(self, real):
        def call(*arguments, **options):
            self.count += 1
            if self.count == self.at:
                raise OSError(self.number, os.strerror(self.number))
            return real(*arguments, **options)

        return call


@contextmanager
def refused(refusal):
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, refusal.instead_of(getattr(os, name)))
        yield


def refuse_each(writer, folder, number):
    """Lets the writer go through again and again, with one call more before the refusal each time."""
    for at in range(1, 1000):
        root = folder / str(at)
        root.mkdir(parents=True)
        writer.prepare(root)
        promised, refusal = set(), Refusal(at, number)
        try:
            with refused(refusal):
                writer.write(root, promised.add)
        except LlmcfgError as error:
            assert error.hint
        except OSError:
            assert writer.name in AS_THEY_COME, f"call {at} of {writer.name} is answered by no error of ours"
        writer.check(root, frozenset(promised))
        if refusal.count < at:
            return at
    raise AssertionError("it never ends")


@pytest.mark.fault("C02", "C07", "C10", "C11")
@pytest.mark.parametrize("writer", [one for one in WRITERS if one.most is None], ids=lambda writer: writer.name)
def test_each_call_that_is_refused_is_told_and_nothing_promised_is_lost(writer, tmp_path):
    with unflushed():
        assert refuse_each(writer, tmp_path, errno.ENOSPC) > 4


@pytest.mark.sweep
@pytest.mark.fault("C02", "C11")
@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.EDQUOT], ids=errno.errorcode.get)
@pytest.mark.parametrize("writer", [one for one in WRITERS if one.most is None], ids=lambda writer: writer.name)
def test_every_kind_of_refusal_is_told(writer, tmp_path, number):
    with unflushed():
        assert refuse_each(writer, tmp_path, number) > 4
