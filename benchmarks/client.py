"""What a program that reads configuration pays: opening, reading, verifying, updates and deltas, as Markdown tables.

Reads are measured beside those of a plain dictionary with the same keys, in the same loop. Stalls are measured in a thread that does
nothing but read, while another process delivers an update every 100 ms; the last column says what the same thread sees without updates.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import llmcfg.client
from llmcfg.bundlefile.bundle import MANIFEST, Bundle, make_leaf, target_of
from llmcfg.bundlefile.delta import apply_delta, make_delta
from llmcfg.bundlefile.files import BUNDLE_FILE, bundle_of
from llmcfg.bundlefile.reader import open_bundle, read_bundle
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.canonical import canonical_json
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import make_bundle, make_part
from llmcfg.signing.statement import KIND, Statement, claims_of, encode_statement
from llmcfg.signing.verdict import Wanted, check_bundle
from llmcfg.trust import dsse
from llmcfg.trust.root import Root
from llmcfg.trust.signer import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GROUPS, KEYS_OF_GROUP = 10, 5  # of a document
WORDS = ["max_tokens", "temperature", "rpm", "tpm", "timeout", "base_url", "model", "enabled", "weight", "owner"]
UPDATES = 50
PAUSE = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, action="append", help="how many; default 100,000 and 1,000,000")
    sizes = parser.parse_args().keys or [100_000, 1_000_000]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    columns = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            columns.append(measure(size, Path(folder)))
    print("| | " + " | ".join(f"{size:,} keys" for size in sizes) + " |")
    print("|---" * (len(sizes) + 1) + "|")
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(column[name] for column in columns) + " |")


def measure(size: int, folder: Path) -> dict[str, str]:
    documents = dict(make_documents(size // (GROUPS * KEYS_OF_GROUP)))
    made = bundle_of_documents(documents)
    said: dict[str, str] = {}
    took, packed = timed(lambda: pack_bundle(made))
    said["write the whole file"] = f"{took * 1e3:.0f} ms, {len(packed) / 1e6:.1f} MB"
    write_deliveries(folder, documents, packed)
    said |= measure_opening(folder / "d0" / BUNDLE_FILE, [*documents])
    said |= measure_deltas(read_bundle(packed), [*documents])
    said |= measure_signatures(read_bundle(packed))
    said |= measure_reads(folder)
    said |= measure_stalls(folder)
    return said


def make_documents(count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    chance = random.Random(1)
    for number in range(count):
        yield (
            f"tenants/t{number % 997:03d}/services/s{number:06d}",
            {
                f"route_{group}": {f"{chance.choice(WORDS)}_{key}": make_value(chance) for key in range(KEYS_OF_GROUP)}
                for group in range(GROUPS)
            },
        )


def make_value(chance: random.Random) -> Any:
    kind = chance.random()
    if kind < 0.4:
        return chance.randrange(100_000)
    if kind < 0.6:
        return chance.random() < 0.5
    return f"https://{chance.choice(['eu', 'us', 'ap'])}.llm.example/v1/{chance.getrandbits(32):08x}"


def bundle_of_documents(documents: dict[str, dict[str, Any]]) -> Bundle:
    parts = {f"config/{name}.json": make_part(canonical_json(value) + b"\n") for name, value in documents.items()}
    return bundle_of(make_bundle(Target("prod", None, "app"), parts, {}, ()).files())


def write_deliveries(folder: Path, documents: dict[str, dict[str, Any]], packed: bytes) -> None:
    """Two bundles that differ in one value, and a link to one of them."""
    name, value = next(iter(documents.items()))
    other = bundle_of_documents({**documents, name: {**value, "route_0": {**value["route_0"], "changed": True}}})
    for number, content in enumerate((packed, pack_bundle(other))):
        place = folder / f"d{number}" / "_shared" / "app"
        place.mkdir(parents=True)
        (place / BUNDLE_FILE).write_bytes(content)
        (folder / f"d{number}" / BUNDLE_FILE).write_bytes(content)
    (folder / "current").symlink_to("d0")


def measure_opening(path: Path, names: list[str]) -> dict[str, str]:
    before = anonymous_memory()
    opening = [timed(lambda: open_bundle(path))[0] for _ in range(20)]
    bundle = open_bundle(path)
    memory = anonymous_memory() - before
    chosen = random.Random(2).sample(names, 500)
    touches = [timed(partial(bundle.read, f"config/{name}.json"))[0] for name in chosen]
    checking = timed(lambda: open_bundle(path, check=True))[0]
    verifying = [timed(open_bundle(path).verify)[0] for _ in range(3)]
    return {
        "open the mapped file": f"{statistics.median(opening) * 1e3:.2f} ms, {memory / 1024:.1f} MB anonymous memory",
        "first touch of a document": f"{statistics.median(touches) * 1e6:.0f} µs",
        "check the file's checksum": f"{checking * 1e3:.1f} ms",
        "verify everything": f"{min(verifying) * 1e3:.0f} ms",
    }


def measure_deltas(bundle: Bundle, names: list[str]) -> dict[str, str]:
    chance = random.Random(3)
    steps = [bundle]
    for number in range(200):
        name = f"config/{chance.choice(names)}.json"
        value = json.loads(steps[-1].read(name) or b"")
        group = value["route_0"]
        group[min(group)] = number
        tree = steps[-1].tree.changed({name: make_leaf(canonical_json(value) + b"\n")})
        head = steps[-1].head
        following = head._replace(root=tree.digest, previous=head.root, sequence=number + 1, commit="ab" * 20, issued=1)
        steps.append(Bundle(following, tree))
    deltas = [make_delta(*pair) for pair in pairwise(steps)]
    reached, times = bundle, []
    for delta in deltas:
        took, reached = timed(partial(apply_delta, reached, delta))
        times.append(took)
    assert reached.tree.digest == steps[-1].tree.digest
    return {
        "delta of one key": f"{max(map(len, deltas))} bytes",
        "apply and verify it": f"{statistics.median(times) * 1e6:.0f} µs",
    }


def measure_signatures(bundle: Bundle) -> dict[str, str]:
    """Signing a bundle's statement, and holding a signed bundle against its root of trust."""
    key = SigningKey(Ed25519PrivateKey.generate())
    root = Root(
        version=1, repository="0" * 32, issued=1, expires=2, keys=(key.public.text,), threshold=1,
        bundles=(key.public.text,),
    )  # fmt: skip
    statement = Statement(
        repository=root.repository, target=target_of(bundle), epoch=1, sequence=1, previous=b"", issued=1, expires=0,
        commit="ab" * 20, sources=bytes(32), digest=bundle.head.digest, root=bundle.head.root,
        subjects={MANIFEST: hashlib.sha256(bundle.manifest()).digest()},
    )  # fmt: skip

    def sign() -> dsse.Envelope:
        payload = encode_statement(statement)
        return dsse.Envelope(KIND, payload, (key.sign(KIND, payload),))

    claims = claims_of(sign(), statement)
    signed = Bundle(bundle.head._replace(commit=statement.commit, claims=claims), bundle.tree)
    wanted = Wanted("prod", "_shared/app")
    rounds = range(500)
    return {
        "sign it": f"{statistics.median(timed(sign)[0] for _ in rounds) * 1e6:.0f} µs",
        "check who signed it": f"{statistics.median(timed(lambda: check_bundle(signed, root, wanted))[0] for _ in rounds) * 1e6:.0f} µs",
    }


def measure_reads(folder: Path) -> dict[str, str]:
    """A thousand paths, read again and again."""
    with llmcfg.client.open(folder, consumer="app", follow=False) as cfg:
        opening = timed(lambda: llmcfg.client.open(folder, consumer="app", follow=False))[0]
        paths = read_paths(cfg, 1_000) * 200
        plain = {path: cfg[path] for path in paths}
        rates: dict[str, list[float]] = {"cfg": [], "dict": []}
        for _ in range(7):
            for name, mapping in (("cfg", cfg), ("dict", plain)):
                rates[name].append(len(paths) / timed(partial(read_all, mapping, paths))[0])
    fastest = {name: max(found) / 1e6 for name, found in rates.items()}
    return {
        "`llmcfg.client.open`, without a thread": f"{opening * 1e3:.2f} ms",
        "hot reads of `cfg[…]`, one thread": f"{fastest['cfg']:.1f} million/s; a plain dict {fastest['dict']:.1f}",
    }


def read_paths(cfg: llmcfg.client.Config, count: int) -> list[str]:
    found: list[str] = []
    for name in cfg.snapshot().documents.below():
        path = name.replace("/", ".")
        found += [f"{path}.{group}.{key}" for group, inner in cfg[path].items() for key in inner]
        if len(found) >= count:
            break
    return found[:count]


def read_all(mapping: Any, paths: list[str]) -> None:
    for path in paths:
        mapping[path]


def measure_stalls(folder: Path) -> dict[str, str]:
    with llmcfg.client.open(folder, consumer="app", interval=0.01) as cfg:
        paths = read_paths(cfg, 1_000)
        heard: list[llmcfg.client.Update] = []
        cfg.on_change(".", heard.append)
        deliverer = os.fork()
        if deliverer == 0:
            deliver(folder)
            os._exit(0)
        busy = watch_reads(cfg, paths, UPDATES * PAUSE)
        os.waitpid(deliverer, 0)
    with llmcfg.client.open(folder, consumer="app", follow=False) as quiet:
        idle = watch_reads(quiet, paths, UPDATES * PAUSE)
    return {
        f"reads while {len(heard)} updates arrive": f"p99 {busy[0] / 1e3:.2f} µs, worst {busy[1] / 1e6:.1f} ms",
        "the same without updates": f"p99 {idle[0] / 1e3:.2f} µs, worst {idle[1] / 1e6:.1f} ms",
    }


def deliver(folder: Path) -> None:
    for number in range(UPDATES):
        time.sleep(PAUSE)
        aside = folder / "aside"
        aside.symlink_to(f"d{(number + 1) % 2}")
        aside.rename(folder / "current")


def watch_reads(cfg: llmcfg.client.Config, paths: list[str], seconds: float) -> tuple[int, int]:
    """The 99th percentile and the worst of single reads, in ns, each with the reading of the clock."""
    clock = time.perf_counter_ns
    counts: dict[int, int] = {}
    worst = 0
    end = clock() + int(seconds * 1e9)
    gc.disable()
    while clock() < end:
        for path in paths:
            start = clock()
            cfg[path]
            took = clock() - start
            worst = max(worst, took)
            counts[took // 100] = counts.get(took // 100, 0) + 1
    gc.enable()
    left = sum(counts.values()) // 100
    for bucket in sorted(counts, reverse=True):
        left -= counts[bucket]
        if left <= 0:
            return (bucket + 1) * 100, worst
    return 0, worst


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def anonymous_memory() -> int:
    """Of this process, in KiB; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


if __name__ == "__main__":
    main()
