"""A generated repository in the form in which each peer wants it: the same documents, the same overrides.

Peers that read YAML get the very lines of the documents, further in where they want keys above them. A document is named by its path,
`section_0/provider_3`, and is what a peer has under `section_0.provider_3`.
"""

from __future__ import annotations

import json
from textwrap import indent
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from repositories import ENVIRONMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Texts = dict[str, str]


class Tree(NamedTuple):
    """The texts of the documents of base, and of what lies over them in each environment."""

    base: Texts
    overlays: dict[str, Texts]


def read_tree(root: Path) -> Tree:
    return Tree(_texts(root / "base"), {name: _texts(root / "environments" / name) for name in ENVIRONMENTS})


def _texts(folder: Path) -> Texts:
    return {str(path.relative_to(folder).with_suffix("")): path.read_text() for path in sorted(folder.rglob("*.yaml"))}


def write_hydra(tree: Tree, form: Path) -> None:
    """Config groups, and for each environment a defaults list that puts every option into its package. OmegaConf reads the same files."""
    for document, text in tree.base.items():
        _write(form / "base" / f"{document}.yaml", text)
    for environment, texts in tree.overlays.items():
        defaults = [f"base/{document}" for document in tree.base]
        for document, text in texts.items():
            _write(form / "environments" / environment / f"{document}.yaml", text)
            defaults.append(f"environments/{environment}/{document}")
        listed = "".join(f"  - /{option}@{'.'.join(option.split('/')[-2:])}\n" for option in defaults)
        _write(form / f"{environment}.yaml", f"defaults:\n{listed}  - _self_\n")


def write_dynaconf(tree: Tree, form: Path) -> None:
    for folder, texts in {"base": tree.base, **tree.overlays}.items():
        for document, text in texts.items():
            _write(form / folder / f"{document}.yaml", _nested(document, text))


def write_himl(tree: Tree, form: Path) -> None:
    """A folder for each level of the hierarchy, with the files of that level side by side."""
    levels = {".": tree.base, **{f"env={environment}": texts for environment, texts in tree.overlays.items()}}
    for level, texts in levels.items():
        for document, text in texts.items():
            _write(form / level / f"{document.replace('/', '-')}.yaml", _nested(document, text))


def write_kapitan(tree: Tree, form: Path) -> None:
    """A class for each document, a target for each environment, and a kadet component that gives out the parameters."""
    for folder, texts in {"base": tree.base, **tree.overlays}.items():
        for document, text in texts.items():
            lines = f"parameters:\n{indent(_nested(document, text), '  ')}"
            _write(form / "inventory/classes" / folder / f"{document}.yml", lines)
    for environment, texts in tree.overlays.items():
        classes = [f"base/{document}" for document in tree.base] + [f"{environment}/{document}" for document in texts]
        listed = "".join(f"  - {name.replace('/', '.')}\n" for name in classes)
        _write(form / f"inventory/targets/{environment}.yml", f"classes:\n{listed}{_KAPITAN_TARGET % environment}")
    _write(form / "components/gateway/__init__.py", _KAPITAN_COMPONENT)


def write_kustomize(tree: Tree, form: Path) -> None:
    """A resource for each document, and a strategic merge patch for each override."""
    resources = [f"{_resource_name(document)}.yaml" for document in tree.base]
    for document, text in tree.base.items():
        _write(form / "base" / f"{_resource_name(document)}.yaml", _resource(document, text))
    _write(form / "base/kustomization.yaml", json.dumps({**_KUSTOMIZATION, "resources": resources}))
    for environment, texts in tree.overlays.items():
        patches = [{"path": f"{_resource_name(document)}.yaml"} for document in texts]
        for document, text in texts.items():
            _write(form / environment / f"{_resource_name(document)}.yaml", _resource(document, text))
        overlay = {**_KUSTOMIZATION, "resources": ["../base"], "patches": patches}
        _write(form / environment / "kustomization.yaml", json.dumps(overlay))


def write_helm(tree: Tree, form: Path) -> None:
    """A chart whose config map has an entry for each document; values files for each section of base and for each environment."""
    _write(form / "chart/Chart.yaml", "apiVersion: v2\nname: gateway\nversion: 1.0.0\n")
    _write(form / "chart/templates/configmap.yaml", _HELM_TEMPLATE)
    for folder, texts in {"base": tree.base, **tree.overlays}.items():
        for section, documents in _by_section(texts).items():
            lines = "".join(f"{name}:\n{indent(text, '  ')}" for name, text in documents.items())
            _write(form / folder / f"{section}.yaml", f"{section}:\n{indent(lines, '  ')}")


def write_jsonnet(tree: Tree, form: Path) -> None:
    """Base as one object of imports; each environment adds its overrides to it with `+:`. JSON is jsonnet already."""
    for document, text in tree.base.items():
        _write(form / "base" / f"{document}.json", json.dumps(_load(text), indent=2))
    sections = "".join(
        f"  {section}: {{\n"
        + "".join(f"    {name}: import 'base/{section}/{name}.json',\n" for name in documents)
        + "  },\n"
        for section, documents in _by_section(tree.base).items()
    )
    _write(form / "base.libsonnet", f"{{\n{sections}}}\n")
    for environment, texts in tree.overlays.items():
        overrides = {section: _values(documents) for section, documents in _by_section(texts).items()}
        _write(form / f"{environment}.jsonnet", f"(import 'base.libsonnet') + {_added(overrides)}\n")


def write_cue(tree: Tree, form: Path) -> None:
    """One package: what an environment may say differently is a default in base. A folder for each environment unifies with it."""
    open_keys = {
        path for texts in tree.overlays.values() for text in texts.values() for path in _leaf_names(_load(text))
    }
    _write(form / "cue.mod/module.cue", 'module: "example.org/gateway"\nlanguage: version: "v0.12.0"\n')
    for document, text in tree.base.items():
        lines = _cue_document(document, _with_defaults(_load(text), open_keys))
        _write(form / f"{document.replace('/', '-')}.cue", lines)
    for environment, texts in tree.overlays.items():
        for document, text in texts.items():
            lines = _cue_document(document, json.dumps(_load(text)))
            _write(form / environment / f"{document.replace('/', '-')}.cue", lines)


def write_kcl(tree: Tree, form: Path) -> None:
    """A file for each document, which all say a part of their section; what lies over base assigns."""
    _write(form / "section.k", "schema Section:\n    [...str]: any\n")
    for document, text in tree.base.items():
        _write(form / "base" / f"{document}.k", _kcl_document(document, json.dumps(_load(text), indent=2)))
    for environment, texts in tree.overlays.items():
        for document, text in texts.items():
            _write(form / environment / f"{document}.k", _kcl_document(document, _assigned(_load(text))))


def _kcl_document(document: str, value: str) -> str:
    section, name = document.split("/")
    return f"{section}: Section {{\n{name}: {value}\n}}\n"


def _assigned(value: Mapping[str, Any]) -> str:
    """A KCL mapping that is laid over another: mappings unify, and all else is replaced."""
    fields = (
        f"{json.dumps(key)}: {_assigned(item)}" if isinstance(item, dict) else f"{json.dumps(key)} = {json.dumps(item)}"
        for key, item in value.items()
    )
    return "{" + ", ".join(fields) + "}"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _load(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


def _values(documents: Texts) -> dict[str, Any]:
    return {name: _load(text) for name, text in documents.items()}


def _nested(document: str, text: str) -> str:
    section, name = document.split("/")
    return f"{section}:\n  {name}:\n{indent(text, '    ')}"


def _by_section(texts: Texts) -> dict[str, Texts]:
    found: dict[str, Texts] = {}
    for document, text in texts.items():
        section, name = document.split("/")
        found.setdefault(section, {})[name] = text
    return found


def _resource_name(document: str) -> str:
    return document.replace("_", "-").replace("/", ".")


def _resource(document: str, text: str) -> str:
    head = f"apiVersion: example.org/v1\nkind: Provider\nmetadata:\n  name: {_resource_name(document)}\n"
    return f"{head}spec:\n{indent(text, '  ')}"


def _added(value: object) -> str:
    """A jsonnet object that is laid over another, mapping by mapping."""
    if not isinstance(value, dict):
        return json.dumps(value)
    fields = (
        f"{json.dumps(key)}{'+' if isinstance(item, dict) else ''}: {_added(item)}" for key, item in value.items()
    )
    return "{" + ", ".join(fields) + "}"


def _leaf_names(value: Mapping[str, Any]) -> set[str]:
    return {name for key, item in value.items() for name in (_leaf_names(item) if isinstance(item, dict) else {key})}


def _cue_document(document: str, value: str) -> str:
    section, name = document.split("/")
    return f"package gateway\n\n{section}: {name}: {value}\n"


def _with_defaults(value: object, open_keys: set[str]) -> str:
    """CUE in which the numbers under these keys are defaults, and all else is fixed."""
    if not isinstance(value, dict):
        return json.dumps(value)
    fields = (
        f"{json.dumps(key)}: {f'*{item} | number' if key in open_keys else _with_defaults(item, open_keys)}"
        for key, item in value.items()
    )
    return "{" + ", ".join(fields) + "}"


_KUSTOMIZATION: Final = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
_KAPITAN_TARGET: Final = """\
parameters:
  kapitan:
    vars: {target: %s}
    compile:
      - {input_type: kadet, output_type: json, output_path: ., input_paths: [components/gateway]}
"""
_KAPITAN_COMPONENT: Final = '''\
"""The parameters of a target that are configuration, as one file."""

from kapitan.inputs.kadet import BaseObj, inventory


def main():
    output = BaseObj()
    output.root.gateway = {name: value for name, value in inventory().parameters.items() if name.startswith("section_")}
    return output
'''
_HELM_TEMPLATE: Final = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: gateway}
data:
{{- range $section, $documents := .Values }}
{{- range $name, $value := $documents }}
  {{ $section }}.{{ $name }}: {{ $value | toJson | quote }}
{{- end }}
{{- end }}
"""
