"""`.sops.yaml` is found where sops finds it, and paths are seen as sops sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcfg.secrets.creation import find_config, path_for_rules


def test_the_nearest_file_above_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".sops.yaml").touch()
    assert find_config(inner, {}) == (tmp_path / ".sops.yaml", "")
    (tmp_path / "a" / ".sops.yaml").touch()
    assert find_config(inner, {}).path == tmp_path / "a" / ".sops.yaml"


def test_a_file_with_another_ending_is_not_read_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".sops.yml").touch()
    found = find_config(tmp_path / "a", {})
    assert found.path is None
    assert found.warning == f"{tmp_path / 'a' / '.sops.yml'} is not read: the file has to be called .sops.yaml"
    (tmp_path / ".sops.yaml").touch()
    found = find_config(tmp_path / "a", {})
    assert found.path == tmp_path / ".sops.yaml"
    assert found.warning.startswith(str(tmp_path / "a" / ".sops.yml"))


def test_what_the_caller_names_wins_over_the_variable_and_that_over_what_is_found(tmp_path: Path) -> None:
    (tmp_path / ".sops.yaml").touch()
    environment = {"SOPS_CONFIG": "other.yaml"}
    assert find_config(tmp_path, environment, Path("said.yaml")).path == Path("said.yaml")
    assert find_config(tmp_path, environment).path == Path("other.yaml")
    assert find_config(tmp_path, {"SOPS_CONFIG": ""}).path == tmp_path / ".sops.yaml"


def test_no_more_than_a_hundred_folders_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / ".sops.yaml").touch()
    deep = tmp_path.joinpath(*["d"] * 99)
    assert find_config(deep, {}).path == tmp_path / ".sops.yaml"
    assert find_config(deep / "d", {}).path is None


@pytest.mark.parametrize(
    ("file", "seen"),
    [
        ("/srv/repo/base/a.yaml", "base/a.yaml"),
        ("/srv/repo/x/../base/a.yaml", "base/a.yaml"),
        ("/srv/repository/a.yaml", "/srv/repository/a.yaml"),
        ("/elsewhere/a.yaml", "/elsewhere/a.yaml"),
    ],
)
def test_rules_see_the_path_from_the_folder_of_the_configuration(file: str, seen: str) -> None:
    assert path_for_rules(Path(file), Path("/srv/repo/.sops.yaml")) == seen


def test_a_configuration_at_the_root_sees_paths_without_the_first_slash() -> None:
    assert path_for_rules(Path("/a/b.yaml"), Path("/.sops.yaml")) == "a/b.yaml"
