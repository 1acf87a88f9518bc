"""What others do, installed by `peerinstall.py`, beside llmcfg in one run: four environments out of one base, each as whole processes.

    .venv/bin/python benchmarks/peerinstall.py               # into .bench/peers
    .venv/bin/python benchmarks/peers.py --keys 1000 --keys 10000
    .venv/bin/python benchmarks/peers.py --keys 100000 --limit 600 --json .bench/peers.json

Every peer has the same generated documents in the form that it wants (peerforms.py), and gives out its values of all environments. They
are compared with those of `llmcfg render`; one that differs, fails or takes longer than the limit has no figure, and its row says why.
Rounds are interleaved; what takes longer than `--once` seconds runs once. Figures are medians.

llmcfg finds the place of every key, holds documents against a schema, and makes digests. The others do nothing of that here.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from figures import Column, cell, column, curves, median, of_keys, write_columns
from machine import headline
from peerforms import (
    Tree,
    read_tree,
    write_cue,
    write_dynaconf,
    write_helm,
    write_himl,
    write_hydra,
    write_jsonnet,
    write_kapitan,
    write_kcl,
    write_kustomize,
)
from peerinstall import FOLDER, read_refused, read_versions
from plot import plot
from processes import Command, FailedError, Run, TooLongError, apart, in_turn, llmcfg, of_cache, run
from repositories import ENVIRONMENTS, write_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Documents = dict[str, Any]
PROGRAMS = Path(__file__).resolve().parent / "programs"
OURS = "llmcfg validate"


class Peer(NamedTuple):
    """`commands` make all environments from the form, into the folder for output; `read` finds the documents of one there."""

    needs: Path
    write: Callable[[Tree, Path], None]
    commands: Callable[[Path, Path], Iterable[Command]]
    read: Callable[[Path, str], Documents]


class Asked(NamedTuple):
    rounds: int
    limit: int
    once: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, action="append", help="how many; default 1,000 and 10,000")
    parser.add_argument("--peer", action="append", choices=PEERS, help="only this one; may be repeated")
    parser.add_argument("--runs", type=int, default=5, help="rounds")
    parser.add_argument(
        "--limit", type=int, default=120, help="seconds of the processors after which a run is given up"
    )
    parser.add_argument("--once", type=int, default=10, help="seconds beyond which a run is not repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw seconds against keys there; needs two sizes")
    options = parser.parse_args()
    asked = Asked(options.runs, options.limit, options.once)
    peers = {name: PEERS[name] for name in options.peer or PEERS}
    versions, columns = read_versions(), {}
    for keys in options.keys or [1_000, 10_000]:
        with tempfile.TemporaryDirectory() as folder:
            columns[of_keys(keys)] = measure(Path(folder), keys, peers, asked)
        if options.json:
            write_columns(options.json, columns)
    print(report(columns, versions))
    if options.svg and len(columns) > 1:
        options.svg.write_text(plot(curves(columns), "Seconds of all environments against keys"))


def measure(folder: Path, keys: int, peers: Mapping[str, Peer], asked: Asked) -> Column:
    root = folder / "repository"
    apart(write_repository, root, keys)
    here = [name for name, peer in peers.items() if peer.needs.exists()]
    apart(write_forms, root, folder, here)
    found = column([OURS, "llmcfg render"])
    found.without.update(missing(name for name in peers if name not in here))
    for turn in range(asked.rounds):
        found.runs[OURS].append(run(llmcfg("validate", "-q"), root, of_cache(None)))
        rendered = folder / f"rendered{turn}"
        found.runs["llmcfg render"].append(run(llmcfg("render", "-q", "--to", str(rendered)), root, of_cache(None)))
        for name in here:
            take_turn(name, peers[name], folder, found, asked)
    found.without.update(apart(differences, folder, [name for name in here if name not in found.without]))
    return found


def missing(names: Iterable[str]) -> dict[str, str]:
    refused = read_refused()
    return {name: f"is not installed{f': {refused[name]}' if name in refused else ''}" for name in names}


def write_forms(root: Path, folder: Path, names: list[str]) -> None:
    tree = read_tree(root)
    for name in names:
        (folder / name / "out").mkdir(parents=True)
        PEERS[name].write(tree, folder / name / "form")


def take_turn(name: str, peer: Peer, folder: Path, found: Column, asked: Asked) -> None:
    known = found.runs.setdefault(name, [])
    if name in found.without or (known and known[0].seconds > asked.once):
        return
    form, out, errors = folder / name / "form", folder / name / "out", folder / name / "errors"
    try:
        known.append(run_all(peer.commands(form, out), form, asked.limit, str(errors)))
    except TooLongError:
        found.given_up[name] = asked.limit
        found.without[name] = f"took more than {asked.limit} s"
    except FailedError as error:
        said = errors.read_text(errors="replace").strip().splitlines()
        found.without[name] = ": ".join(text[:200] for text in (str(error), *said[-1:]))


def run_all(commands: Iterable[Command], form: Path, limit: int, errors: str) -> Run:
    """Processes one after another, which have so many seconds in all."""
    taken: list[Run] = []
    for command in commands:
        left = limit - sum(run.processors for run in taken)
        taken.append(run(command, form, None, max(1, int(left)), errors))
    return in_turn(taken)


def differences(folder: Path, names: list[str]) -> dict[str, str]:
    """The tools that do not come to the values of llmcfg, and in what environment."""
    found: dict[str, str] = {}
    for environment in ENVIRONMENTS:
        ours = read_rendered(folder / "rendered0", environment)
        for name in names:
            if name not in found and PEERS[name].read(folder / name / "out", environment) != ours:
                found[name] = f"has other values in {environment}"
    return found


def read_rendered(rendered: Path, environment: str) -> Documents:
    config = rendered / environment / "_shared" / "gateway" / "config"
    return {
        str(path.relative_to(config).with_suffix("")): json.loads(path.read_bytes()) for path in config.rglob("*.json")
    }


def read_flat(out: Path, environment: str) -> Documents:
    documents: Documents = json.loads((out / f"{environment}.json").read_bytes())
    return documents


def read_nested(out: Path, environment: str) -> Documents:
    return flat(read_flat(out, environment))


def flat(sections: Mapping[str, Mapping[str, Any]]) -> Documents:
    """Dynaconf writes first keys in capitals; llmcfg has none such here."""
    return {
        f"{section.lower()}/{name}": value
        for section, documents in sections.items()
        for name, value in documents.items()
    }


def read_kapitan(out: Path, environment: str) -> Documents:
    return flat(json.loads((out / "compiled" / environment / "gateway.json").read_bytes()))


def read_kustomize(out: Path, environment: str) -> Documents:
    resources = yaml.load_all((out / f"{environment}.yaml").read_bytes(), yaml.CSafeLoader)
    return {
        resource["metadata"]["name"].replace(".", "/").replace("-", "_"): resource["spec"] for resource in resources
    }


def read_helm(out: Path, environment: str) -> Documents:
    entries = yaml.load((out / f"{environment}.yaml").read_bytes(), yaml.CSafeLoader)["data"]
    return {name.replace(".", "/"): json.loads(text) for name, text in entries.items()}


def read_cue(out: Path, environment: str) -> Documents:
    """One process prints the environments one after another."""
    text, at = (out / "all.json").read_text(), 0
    for name in ENVIRONMENTS:
        value, end = json.JSONDecoder().raw_decode(text, at)
        if name == environment:
            return flat(value)
        at = end + 1
    raise KeyError(environment)


def program(venv: str, name: str) -> Callable[[Path, Path], Iterator[Command]]:
    """A program of ours that uses their library as its documentation does, with their interpreter."""

    def commands(form: Path, out: Path) -> Iterator[Command]:
        interpreter = sys.executable if venv == "." else str(FOLDER / venv / "bin/python")
        yield Command([interpreter, str(PROGRAMS / f"{name}.py"), str(form), str(out), *ENVIRONMENTS])

    return commands


def kustomize(form: Path, out: Path) -> Iterator[Command]:
    for environment in ENVIRONMENTS:
        arguments = [str(FOLDER / "bin/kustomize"), "build", str(form / environment)]
        yield Command(arguments, out / f"{environment}.yaml")


def helm(form: Path, out: Path) -> Iterator[Command]:
    for environment in ENVIRONMENTS:
        files = [*sorted((form / "base").iterdir()), *sorted((form / environment).iterdir())]
        values = [argument for file in files for argument in ("-f", str(file))]
        arguments = [str(FOLDER / "bin/helm"), "template", "gateway", str(form / "chart"), *values]
        yield Command(arguments, out / f"{environment}.yaml")


def cue(_: Path, out: Path) -> Iterator[Command]:
    folders = [f"./{environment}" for environment in ENVIRONMENTS]
    yield Command([str(FOLDER / "bin/cue"), "export", *folders], out / "all.json")


def himl(form: Path, out: Path) -> Iterator[Command]:
    for environment in ENVIRONMENTS:
        file = str(out / f"{environment}.json")
        place = [f"env={environment}", "--cwd", str(form), "--format", "json", "--output-file", file]
        yield Command([str(FOLDER / "himl/bin/himl"), *place])


def kapitan(_: Path, out: Path) -> Iterator[Command]:
    yield Command([str(FOLDER / "kapitan/bin/kapitan"), "compile", "--quiet", "--output-path", str(out)])


def write_as_is(tree: Tree, form: Path) -> None:
    write_hydra(tree, form)


PEERS = {
    "plain PyYAML script": Peer(PROGRAMS, write_as_is, program(".", "plain_merge"), read_flat),
    "rjsonnet": Peer(FOLDER / "rjsonnet/bin", write_jsonnet, program("rjsonnet", "rjsonnet_evaluate"), read_nested),
    "jsonnet": Peer(FOLDER / "jsonnet/bin", write_jsonnet, program("jsonnet", "jsonnet_evaluate"), read_nested),
    "kustomize": Peer(FOLDER / "bin/kustomize", write_kustomize, kustomize, read_kustomize),
    "helm": Peer(FOLDER / "bin/helm", write_helm, helm, read_helm),
    "cue": Peer(FOLDER / "bin/cue", write_cue, cue, read_cue),
    "kcl": Peer(FOLDER / "kcl/bin", write_kcl, program("kcl", "kcl_run"), read_nested),
    "kapitan": Peer(FOLDER / "kapitan/bin/kapitan", write_kapitan, kapitan, read_kapitan),
    "himl": Peer(FOLDER / "himl/bin/himl", write_himl, himl, read_nested),
    "omegaconf": Peer(FOLDER / "hydra/bin", write_as_is, program("hydra", "omegaconf_merge"), read_nested),
    "hydra": Peer(FOLDER / "hydra/bin", write_hydra, program("hydra", "hydra_compose"), read_nested),
    "dynaconf": Peer(FOLDER / "dynaconf/bin", write_dynaconf, program("dynaconf", "dynaconf_settings"), read_nested),
}

NAMES = (OURS, *PEERS)


def report(columns: Mapping[str, Column], versions: Mapping[str, str]) -> str:
    names = dict.fromkeys(name for found in columns.values() for name in (*found.runs, *found.without))
    said = [
        f"{headline()}; `x` is how many times `{OURS}` goes into it",
        "",
        "| | version | " + " | ".join(f"{size} | x" for size in columns) + " |",
        "|---|---" + "|---:|---:" * len(columns) + "|",
    ]
    for name in names:
        cells = " | ".join(" | ".join(figures(found, name)) for found in columns.values())
        said.append(f"| {name} | {versions.get(name, '')} | {cells} |")
    reasons = [f"- {name} at {size}: {why}" for size, found in columns.items() for name, why in found.without.items()]
    return "\n".join([*said, "", *reasons] if reasons else said)


def figures(found: Column, name: str) -> tuple[str, str]:
    runs, base = found.runs.get(name, []), median(found.runs[OURS])
    if name in found.given_up:
        least = found.given_up[name] / median(found.runs[OURS], "processors")
        return f"over {found.given_up[name]:.0f} s", f"over {least:.0f}"
    if name in found.without or not runs:
        return "none", ""
    return cell(runs), f"{median(runs) / base:.2f}"


if __name__ == "__main__":
    main()
