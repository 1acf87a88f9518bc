"""Recipients are called as the comment behind them in `.sops.yaml` says."""

from __future__ import annotations

import pytest

from llmcfg.secrets.creation.labels import read_labels, short_label

ADA = "age1mrpqfruhrzhemuz6640a44sgzqz82gnj5s3rsa8zsmtsskmypd2s9nxkg3"
BOB = "age1dd0u0w9jnfft2u7eez6zu67tgrqjps9wavh3dx9f5euhc82ljylqfp8x7t"
SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN"


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        (f"- {ADA} # ada", {ADA: "ada"}),
        (f'- "{ADA}"   #   the whole team  ', {ADA: "the whole team"}),
        (f"age: {ADA}\t# ada # of the team", {ADA: "ada # of the team"}),
        (f"- {SSH} ada@host # ada's laptop", {SSH: "ada's laptop"}),
        (f"- {ADA}", {}),
        (f"- {ADA} #", {}),
        (f"- {ADA} # {'x' * 50}", {}),
        (f"age: '{ADA},{BOB}' # both", {}),
        (f"# {ADA} # gone", {}),
        ("- age1nonsense # nobody", {}),
        (f"- {ADA} # ada\n- {ADA} # somebody else\n- {BOB} # bob", {ADA: "ada", BOB: "bob"}),
    ],
)
def test_a_comment_behind_one_recipient_is_its_name(line, labels) -> None:
    assert read_labels(line.encode()) == labels


def test_broken_files_have_no_labels() -> None:
    assert read_labels(b"\xff\0 # x") == {}


def test_who_has_no_name_is_known_by_the_ends_of_the_key() -> None:
    assert short_label(ADA, {ADA: "ada"}) == "ada"
    assert short_label(ADA, {}) == f"{ADA[:10]}…{ADA[-4:]}"
    assert short_label("PGP 85D7", {}) == "PGP 85D7"
