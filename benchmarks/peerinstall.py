"""Installs what llmcfg is measured beside into `.bench/peers`, from the registries that this machine uses: PyPI and Go's module proxy.

    .venv/bin/python benchmarks/peerinstall.py               # what is there already is left alone
    .venv/bin/python benchmarks/peerinstall.py himl cue      # these alone

Each Python package has an environment of its own, since they ask for different versions of the same things. What cannot be had is said,
with the reason, and has no figures. Nothing of theirs is kept in this repository.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".bench" / "peers"
DIFFERS = FOLDER / "differs/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
REFUSED = FOLDER / "refused.json"
PACKAGES = {
    "kapitan": ["kapitan==0.36.3"],
    "hydra": ["hydra-core==1.3.8", "omegaconf==2.3.1"],
    "dynaconf": ["dynaconf==3.3.5"],
    "kcl": ["kcl-lib==0.13.2"],
    "himl": ["himl==0.22.0"],
    "jsonnet": ["jsonnet==0.22.0"],
    "rjsonnet": ["rjsonnet==0.5.6"],
    "differs": ["deepdiff==9.1.0", "dictdiffer==0.10.0", "msgspec==0.22.0"],
}
PROGRAMS = {
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1",
    "helm": "helm.sh/helm/v3/cmd/helm@v3.22.0",
    "cue": "cuelang.org/go/cmd/cue@v0.17.1",
    "sops": "github.com/getsops/sops/v3/cmd/sops@v3.13.3",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"default: all of {', '.join([*PACKAGES, *PROGRAMS])}")
    asked = parser.parse_args().peers or [*PACKAGES, *PROGRAMS]
    unknown = [name for name in asked if name not in PACKAGES | PROGRAMS]
    if unknown:
        parser.error(f"no peer {unknown[0]!r}; choose from {', '.join([*PACKAGES, *PROGRAMS])}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    failed = {name: why for name in asked if (why := install(name))}
    REFUSED.write_text(json.dumps({name: why for name, why in read_refused().items() if name not in asked} | failed))
    for name, why in failed.items():
        print(f"{name} could not be had: {why}", file=sys.stderr)
    sys.exit(1 if failed else 0)


def install(name: str) -> str:
    """Why it could not be; empty when it is there."""
    return install_package(name) if name in PACKAGES else install_program(name)


def install_package(name: str) -> str:
    venv, stamp = FOLDER / name, FOLDER / name / "installed.json"
    if stamp.exists() and json.loads(stamp.read_text()) == PACKAGES[name]:
        return ""
    print(f"installing {' '.join(PACKAGES[name])}", file=sys.stderr)
    why = tried([sys.executable, "-m", "venv", "--clear", str(venv)])
    why = why or tried([str(venv / "bin/python"), "-m", "pip", "install", "--quiet", *PACKAGES[name]])
    if not why:
        stamp.write_text(json.dumps(PACKAGES[name]))
    return why


def install_program(name: str) -> str:
    program, stamp = FOLDER / "bin" / name, FOLDER / "bin" / f"{name}.module"
    if program.exists() and stamp.exists() and stamp.read_text() == PROGRAMS[name]:
        return ""
    go = shutil.which("go")
    if go is None:
        return "go is not on this machine"
    print(f"building {PROGRAMS[name]}", file=sys.stderr)
    why = tried([go, "install", PROGRAMS[name]], GOBIN=str(program.parent))
    if not why:
        stamp.write_text(PROGRAMS[name])
    return why


def tried(command: list[str], **environment: str) -> str:
    ran = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else (ran.stderr.strip().splitlines() or [f"{command[0]} failed"])[-1]


def read_refused() -> dict[str, str]:
    """What could not be had when it was last asked for, and why."""
    return dict(json.loads(REFUSED.read_text())) if REFUSED.exists() else {}


def read_versions() -> dict[str, str]:
    """Of what was asked for above, by the name of the program or package."""
    pinned = [package.split("==") for packages in PACKAGES.values() for package in packages]
    versions = {name.removesuffix("-core").removesuffix("-lib"): version for name, version in pinned}
    return versions | {name: module.rpartition("@v")[2] for name, module in PROGRAMS.items()}


if __name__ == "__main__":
    main()
