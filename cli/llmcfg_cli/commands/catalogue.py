"""`llmcfg catalogue`: what is known about models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import NotFoundError
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, AsOf, Directory, Quiet

if TYPE_CHECKING:
    from llmcfg.llm.catalogue.catalogue import Catalogue


def show(
    model: Annotated[
        str, argument(metavar="ID", help="A model, as consumers write it: openai/gpt-6-luna.", show_default=False)
    ],
    directory: Directory = Path(),
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
) -> None:
    """Show what the catalogue has of a model: limits, prices, abilities and its last day.

    The repository's own catalogue (catalogue/models.json) counts where there is one, else the shipped one.
    """
    from llmcfg.model.suggest import did_you_mean
    from llmcfg_cli.views.catalogue import view_model

    catalogue, source = _catalogue(directory)
    found = catalogue.find("", model)
    if found is None:
        name = model.rsplit("/", 1)[-1]
        names = (key.rsplit("/", 1)[-1] for key in catalogue.ids)
        near = {known for known in names if known[:1] == name[:1] and abs(len(known) - len(name)) <= 2}
        raise NotFoundError(
            f"the catalogue ({source}) has no model {model!r}",
            hint=did_you_mean(name, near, "refresh it: llmcfg catalogue update --from litellm"),
        )
    out(view_model(found, catalogue.head, output))


def update(
    source: Annotated[
        str,
        option(
            "--from",
            metavar="litellm|FILE",
            help="The litellm package beside llmcfg, or its price file.",
            show_default=False,
        ),
    ],
    directory: Directory = Path(),
    version: Annotated[
        str,
        option(
            "--source-version",
            metavar="VERSION",
            help="What to call the version of FILE.",
            show_default="the file's name",
        ),
    ] = "",
    as_of: AsOf = None,
    quiet: Quiet = False,
) -> None:
    """Write catalogue/models.json into the repository: fresh limits, prices and dates, one model a line.

    Models that the source has dropped are kept, with the version that had them last, so that retired ones are told from unknown ones.
    litellm is read and not run. Commit the file: the pull request shows what changed.
    """
    from llmcfg.clock import now
    from llmcfg.disk import atomic_write, make_folders
    from llmcfg.llm.catalogue.derive import head_of, laid_over, read_litellm
    from llmcfg.llm.catalogue.shipped import installed_litellm
    from llmcfg.llm.catalogue.text import write_catalogue
    from llmcfg.pipeline.layers import CATALOGUE
    from llmcfg_cli.views.text import plural

    file, found = installed_litellm() if source == "litellm" else (Path(source), version or Path(source).name)
    if not file.is_file():
        raise NotFoundError(f"there is no file {file}", hint="name LiteLLM's price file, or say --from litellm")
    content = file.read_bytes()
    before, _ = _catalogue(directory)
    fresh = read_litellm(content, str(file))
    models = laid_over(fresh, before, before.head.version)
    text = write_catalogue(head_of(content, found, (as_of or now()).date()), models)
    place = directory / CATALOGUE
    make_folders(place.parent)
    atomic_write(place, text.encode())
    out(f"wrote {place}: {plural(len(fresh), 'model')}, and {len(models) - len(fresh)} that are gone")
    note("next: git diff, llmcfg validate, and commit it", quiet=quiet)


def _catalogue(directory: Path) -> tuple[Catalogue, str]:
    """The one that holds in a folder, and what to call it."""
    from llmcfg.llm.catalogue.catalogue import Catalogue
    from llmcfg.llm.catalogue.shipped import shipped_catalogue
    from llmcfg.pipeline.layers import CATALOGUE

    place = directory / CATALOGUE
    if place.is_file():
        return Catalogue(place.read_text(encoding="utf-8"), str(place)), str(place)
    catalogue = shipped_catalogue()
    return catalogue, f"{catalogue.head.source} {catalogue.head.version}"
