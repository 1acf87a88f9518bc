"""`ports.Cache` in one SQLite file.

Facts are small and all of them are asked for, so they lie together in some drawers, each read at once. Contents are large and few are
asked for, so each is a row. Every drawer and row has the digest of its name and content, which is checked before anything of it is used;
what does not fit is dropped. A run reads as it goes and writes once, at its end, in one transaction. SQLite neither waits for the disk
(a cache that a power cut damages is found damaged, and dropped) nor long for another process. Whatever goes wrong, the run goes on without.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.cache.place import make_file, remove
from llmcfg.clock import now
from llmcfg.limits import CACHE_BYTES, CACHE_DRAWER_FACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

DRAWERS: Final = 64
_LOCKED_SECONDS: Final = 0.1
_KEPT_SHARE: Final = 0.75
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS facts (drawer INTEGER PRIMARY KEY, mark BLOB, content BLOB);
CREATE TABLE IF NOT EXISTS contents (name BLOB PRIMARY KEY, day INTEGER, mark BLOB, content BLOB);
"""
_NOT_NOW: Final = frozenset({"BUSY", "LOCKED", "READONLY", "FULL", "IOERR", "CANTOPEN", "PERM", "AUTH", "NOMEM"})
_FACTS: Final = msgspec.msgpack.Decoder(dict[bytes, bytes])


class DiskCache:
    """Opened when it is first asked. Not shared between threads; each process opens its own.

    `missed` are the steps that nothing was known of, each with what it was about; `found` counts the others.
    """

    def __init__(self, file: Path, *, today: int | None = None) -> None:
        self.file = file
        self.missed: list[tuple[str, str]] = []
        self.found = 0
        self._today = now().toordinal() if today is None else today
        self._connection: sqlite3.Connection | None = None
        self._is_off = False
        self._drawers: dict[int, dict[bytes, bytes]] = {}
        self._learnt: dict[int, dict[bytes, bytes]] = {}
        self._added: dict[bytes, bytes] = {}
        self._used: list[bytes] = []

    def fact(self, name: bytes, step: str, about: str) -> bytes | None:
        known = self._drawer(name[0] % DRAWERS).get(name)
        if known is None:
            self.miss(step, about)
        else:
            self.found += 1
        return known

    def miss(self, step: str, about: str) -> None:
        self.missed.append((step, about))

    def learn(self, name: bytes, fact: bytes) -> None:
        number = name[0] % DRAWERS
        drawer = self._drawer(number)
        if drawer.get(name) != fact:
            drawer[name] = fact
            self._learnt.setdefault(number, {})[name] = fact

    def content(self, name: bytes) -> bytes | None:
        if name in self._added:
            return self._added[name]
        row = self._row("SELECT mark, content, day FROM contents WHERE name = ?", name)
        if row is None:
            return None
        mark, content, day = row
        if not _is_sound(name, mark, content):
            return None
        if day != self._today:
            self._used.append(name)
        assert isinstance(content, bytes)
        return content

    def add(self, name: bytes, content: bytes) -> None:
        self._added[name] = content

    def keep(self) -> None:
        if self._learnt or self._added or self._used:
            self._guarded(self._write)
        self._learnt, self._added, self._used = {}, {}, []

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _drawer(self, number: int) -> dict[bytes, bytes]:
        known = self._drawers.get(number)
        if known is None:
            known = self._drawers[number] = self._read_drawer(number)
        return known

    def _read_drawer(self, number: int) -> dict[bytes, bytes]:
        row = self._row("SELECT mark, content FROM facts WHERE drawer = ?", number)
        return {} if row is None else _opened(number, *row)

    def _row(self, query: str, key: object) -> tuple[object, ...] | None:
        found: list[tuple[object, ...]] = []
        self._guarded(lambda connection: found.extend(connection.execute(query, (key,))))
        return found[0] if found else None

    def _guarded(self, act: Callable[[sqlite3.Connection], object]) -> None:
        """Do it with the database, or do nothing for the rest of the run. A database that is damaged is removed."""
        if self._is_off:
            return
        try:
            if self._connection is None:
                self._connection = _open(self.file)
            act(self._connection)
        except (sqlite3.Error, MemoryError) as error:
            self._give_up()
            if getattr(error, "sqlite_errorname", "SQLITE_ERROR").split("_")[1] not in _NOT_NOW:
                remove(self.file)

    def _give_up(self) -> None:
        self._is_off = True
        with suppress(sqlite3.Error):
            self.close()

    def _write(self, connection: sqlite3.Connection) -> None:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for number, learnt in self._learnt.items():
                row = connection.execute("SELECT mark, content FROM facts WHERE drawer = ?", (number,)).fetchone()
                content = msgspec.msgpack.encode(_merged({} if row is None else _opened(number, *row), learnt))
                row = (number, _mark(_drawer_name(number), content), content)
                connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", row)
            rows = ((name, self._today, _mark(name, content), content) for name, content in self._added.items())
            connection.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?)", rows)
            days = ((self._today, name) for name in self._used)
            connection.executemany("UPDATE contents SET day = ? WHERE name = ?", days)
            if _size(connection) > CACHE_BYTES:
                evict(connection, int(CACHE_BYTES * _KEPT_SHARE))


def evict(connection: sqlite3.Connection, most: int) -> None:
    """Remove contents, those first that were not used for the longest time, until the file needs no more than so many bytes."""
    while (size := _size(connection)) > most:
        (count,) = connection.execute("SELECT count(*) FROM contents").fetchone()
        if not count:
            connection.execute("DELETE FROM facts")
            return
        oldest = "SELECT name FROM contents ORDER BY day, name LIMIT ?"
        connection.execute(f"DELETE FROM contents WHERE name IN ({oldest})", (int(count * (1 - most / size)) + 1,))


def unsound(file: Path) -> int:
    """How many drawers and contents are not what they were written as; removes them. Raises sqlite3.Error for what is no database."""
    with closing(_open(file)) as connection, connection:
        drawers = [
            (number,)
            for number, mark, content in connection.execute("SELECT * FROM facts")
            if not _is_sound(_drawer_name(number), mark, content)
        ]
        contents = [
            (name,)
            for name, mark, content in connection.execute("SELECT name, mark, content FROM contents")
            if not _is_sound(name, mark, content)
        ]
        connection.executemany("DELETE FROM facts WHERE drawer = ?", drawers)
        connection.executemany("DELETE FROM contents WHERE name = ?", contents)
        return len(drawers) + len(contents)


def counted(file: Path) -> Mapping[str, int]:
    """How many facts and contents a file holds. Raises sqlite3.Error for what is no database."""
    with closing(_open(file)) as connection:
        drawers = connection.execute("SELECT * FROM facts").fetchall()
        (contents,) = connection.execute("SELECT count(*) FROM contents").fetchone()
    return {"facts": sum(len(_opened(*row)) for row in drawers), "documents": contents}


def _open(file: Path) -> sqlite3.Connection:
    if not make_file(file):
        error = sqlite3.OperationalError("the file is not ours alone")
        error.sqlite_errorname = "SQLITE_PERM"
        raise error
    connection = sqlite3.connect(file, timeout=_LOCKED_SECONDS, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA trusted_schema = OFF")
    if connection.execute("PRAGMA schema_version").fetchone() == (0,):
        connection.executescript(_TABLES)
    return connection


def _size(connection: sqlite3.Connection) -> int:
    """The bytes that are in use; room that was freed is used again."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _merged(there: dict[bytes, bytes], learnt: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """With what another process learnt meanwhile; a drawer that is full begins anew."""
    return there | learnt if len(there) + len(learnt) <= CACHE_DRAWER_FACTS else learnt


def _opened(number: int, mark: object, content: object) -> dict[bytes, bytes]:
    if not _is_sound(_drawer_name(number), mark, content):
        return {}
    assert isinstance(content, bytes)
    return _FACTS.decode(content)


def _is_sound(name: object, mark: object, content: object) -> bool:
    return isinstance(name, bytes) and isinstance(content, bytes) and mark == _mark(name, content)


def _mark(name: bytes, content: bytes) -> bytes:
    return blake2b(content, key=name, digest_size=16).digest()


def _drawer_name(number: object) -> bytes:
    return f"drawer {number}".encode()
