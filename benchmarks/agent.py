"""What the agent of a host costs: its memory, the time from a delivery to `on_change`, and the bytes of a change, as a Markdown table.

Programs are processes of their own, which follow the same bundle. A delivery is one rename of a link, as a sink does it.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import llmcfg.client
from client import bundle_of_documents, make_documents
from llmcfg.bundlefile.bundle import Bundle, make_leaf
from llmcfg.bundlefile.files import BUNDLE_FILE
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.canonical import canonical_json
from llmcfg.client.agentwire import VERSION, Hello, Taken, frame

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS_OF_DOCUMENT = 50
DELIVERIES = 40
PAUSE = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=100)
    parser.add_argument("--keys", type=int, action="append", help="of the bundle; default 1,000, 100,000 and 1,000,000")
    options = parser.parse_args()
    sizes = options.keys or [1_000, 100_000, 1_000_000]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    columns = [measured(size, options.programs) for size in sizes]
    print("| | " + " | ".join(f"{size:,} keys" for size in sizes) + " |")
    print("|---" * (len(sizes) + 1) + "|")
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(column[name] for column in columns) + " |")


def measured(size: int, programs: int) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        return measure(size, programs, Path(folder))


def measure(size: int, programs: int, folder: Path) -> dict[str, str]:
    write_deliveries(folder, size)
    socket_path, times = folder / "agent.sock", folder / "times"
    command = [sys.executable, "-m", "llmcfg_cli", "agent", "--dir", str(folder), "--socket", str(socket_path), "-q"]
    agent = subprocess.Popen(command)
    try:
        wait_until(socket_path.exists)
        empty = memory(agent.pid)
        children = [follow(socket_path, times, number) for number in range(programs)]
        wait_until(lambda: len(list(times.glob("*.ready"))) == programs)
        idle = processor_seconds(agent.pid)
        time.sleep(2)
        idle = processor_seconds(agent.pid) - idle
        delivered = deliver(folder)
        time.sleep(2)
        rss, processor = memory(agent.pid), processor_seconds(agent.pid)
        waits = sorted(heard - at for heard, at in matched(times, delivered))
        moved = bytes_of_change(socket_path, folder)
        for child in children:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
    finally:
        agent.terminate()
        agent.wait()
    return {
        "memory of the agent before anybody connects, RSS": f"{empty:.0f} MB",
        f"with {programs} programs, after {DELIVERIES} deliveries": f"{rss:.0f} MB",
        "processor while nothing happens": f"{idle / 2 * 100:.1f} % of one",
        f"from delivery to `on_change`, all {programs} programs": (
            f"p50 {statistics.median(waits) * 1e3:.0f} ms, p99 {waits[int(len(waits) * 0.99)] * 1e3:.0f} ms"
        ),
        "missed": str(programs * DELIVERIES - len(waits)),
        "bytes to a program for a change of one key": str(moved),
        "processor of the agent in all": f"{processor:.1f} s",
    }


def write_deliveries(folder: Path, size: int) -> None:
    """Bundles of which each differs from the one before it in one value, and a link to the first."""
    documents = dict(make_documents(max(1, size // KEYS_OF_DOCUMENT)))
    name, value = next(iter(documents.items()))
    bundle = bundle_of_documents(documents)
    for number in range(DELIVERIES + 2):
        content = canonical_json({**value, "route_0": {**value["route_0"], "number": number}}) + b"\n"
        tree = bundle.tree.changed({f"config/{name}.json": make_leaf(content)})
        head = bundle.head._replace(root=tree.digest, previous=bundle.head.root, sequence=number + 1, commit="ab" * 20)
        bundle = Bundle(head, tree)
        place = folder / f"d{number}" / "_shared" / "app"
        place.mkdir(parents=True)
        (place / BUNDLE_FILE).write_bytes(pack_bundle(bundle))
    (folder / "current").symlink_to("d0")
    (folder / "times").mkdir()


def follow(path: Path, times: Path, number: int) -> int:
    """A program that notes when it heard of what; its process id."""
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with (times / f"{number}.times").open("w", buffering=1) as file:
        cfg = llmcfg.client.open(f"unix:{path}", consumer="app", instance=f"p{number}")
        cfg.on_change(".", lambda update: file.write(f"{update.items[0].new} {time.monotonic()}\n"))
        (times / f"{number}.ready").touch()
        while True:
            signal.pause()


def deliver(folder: Path) -> list[float]:
    """When each delivery was made."""
    made = []
    for number in range(1, DELIVERIES + 1):
        time.sleep(PAUSE)
        made.append(time.monotonic())
        switch(folder, number)
    return made


def switch(folder: Path, number: int) -> None:
    (folder / "aside").symlink_to(f"d{number}")
    (folder / "aside").rename(folder / "current")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the programs did not start")
        time.sleep(0.01)


def memory(process: int) -> float:
    """Resident, in MB."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def processor_seconds(process: int) -> float:
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def matched(times: Path, delivered: list[float]) -> list[tuple[float, float]]:
    """When a program heard of a delivery, and when that was made."""
    lines = [line.split() for path in times.glob("*.times") for line in path.read_text().splitlines()]
    return [(float(heard), delivered[int(number) - 1]) for number, heard in lines]


def bytes_of_change(path: Path, folder: Path) -> int:
    """All that a program reads from the socket for one more delivery of one changed value."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw:
        raw.connect(os.fspath(path))
        raw.sendall(frame(Hello(VERSION, None, "app", "counting", b"")))
        _, descriptors, _, _ = socket.recv_fds(raw, 1 << 16, 2)
        for descriptor in descriptors:
            os.close(descriptor)
        raw.sendall(frame(Taken()))
        switch(folder, DELIVERIES + 1)
        return len(raw.recv(1 << 16))


if __name__ == "__main__":
    main()
