"""Links between the pages lead somewhere, and every page can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from .pages import PROJECT, anchors, links, pages

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_inside_the_project_lead_to_a_file_and_a_heading(page: Path) -> None:
    assert [link for link in inner_links(page) if not leads_somewhere(page, link)] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, pending = set[str](), [PROJECT / "README.md"]
    while pending:
        page = pending.pop().resolve()
        if str(page) not in reached:
            reached.add(str(page))
            pending += [place(page, link) for link in inner_links(page) if place(page, link).suffix == ".md"]
    assert {str(page) for page in (PROJECT / "docs").rglob("*.md")} - reached == set()


def test_a_link_to_what_is_not_there_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One heading\n[a](#one-heading) [b](#other) [c](gone.md) [d](page.md#one-heading)\n", encoding="utf-8"
    )
    assert [link for link in inner_links(page) if not leads_somewhere(page, link)] == ["#other", "gone.md"]


def inner_links(page: Path) -> list[str]:
    return [link for link in links(page) if not urlsplit(link).scheme]


def place(page: Path, link: str) -> Path:
    path = link.partition("#")[0]
    target = (page.parent / path).resolve() if path else page
    return target / "README.md" if target.is_dir() else target


def leads_somewhere(page: Path, link: str) -> bool:
    target, anchor = place(page, link), link.partition("#")[2]
    return target.is_file() and (not anchor or anchor in anchors(target))
