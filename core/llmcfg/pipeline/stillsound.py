"""Whether a configuration in which nothing was found is one still, by a look at what changed and at what asked for that.

It says yes only when nothing at all is found there. What is found, and in which words, is for a look at everything to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.findings import merge_findings
from llmcfg.pipeline.allowed import with_allowances
from llmcfg.pipeline.build import start_build
from llmcfg.pipeline.checks import OF_FILES, Look, find_all
from llmcfg.pipeline.filefindings import documents_named
from llmcfg.pipeline.lastsound import focus_since, keep_last_sound
from llmcfg.pipeline.layers import READ_BY_PROMPTS
from llmcfg.pipeline.marks import marks_of
from llmcfg.pipeline.platforms import all_readable, without_echoes
from llmcfg.pipeline.select import Selector
from llmcfg.pipeline.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Target
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.lastsound import Focus, LastSound
    from llmcfg.pipeline.select import Selection


def is_still_sound(configuration: Configuration, last: LastSound, as_of: date) -> bool:
    """False where that cannot be told from what changed alone."""
    focus = focus_since(configuration, last)
    if focus is None:
        return False
    narrowed = configuration.narrowed(focus.settled)
    documents = documents_named(configuration, focus.names)
    if not all_readable(narrowed, focus.scopes) or any(marks_of(configuration, entry).sealed for entry in documents):
        return False
    found = merge_findings(without_echoes(_findings(narrowed, focus, documents, as_of)))
    commented = documents_named(configuration, focus.names | focus.allowing)
    if with_allowances(narrowed, commented, found, as_of, is_whole=True):
        return False
    keep_last_sound(narrowed, as_of, last)
    return True


def _findings(configuration: Configuration, focus: Focus, documents: list[BlobEntry], as_of: date) -> Iterator[Finding]:
    """Templates are rendered beside this process while it looks at the rest."""
    selections = _selections(configuration, focus)
    built = [target for target, selection in selections.items() if _is_built(configuration, target, selection, focus)]
    reads_prompts = bool(focus.allowing) or any(name.startswith(READ_BY_PROMPTS) for name in focus.names)
    look = Look(
        configuration,
        Sharing(configuration, focus.scopes, focus.names),
        documents,
        scopes=focus.scopes,
        judged=focus.judged,
        prompted=focus.judged if focus.judged and reads_prompts else None,
        selections=selections,
        names=focus.names,
        tenants=focus.tenants,
        as_of=as_of,
    )
    with start_build(configuration, built) as building:
        yield from find_all(look, but=OF_FILES)
        yield from building.finish().findings


def _selections(configuration: Configuration, focus: Focus) -> dict[Target, Selection]:
    scopes, selector = {*focus.scopes}, Selector(configuration.memo)
    return {
        target: selector.select(configuration.consumer(target.consumer), configuration.effective(target.scope))
        for target in configuration.targets
        if target.scope in scopes
    }


def _is_built(configuration: Configuration, target: Target, selection: Selection, focus: Focus) -> bool:
    """Whether something may be rendered or sealed differently for the bundle."""
    named = [selection.documents[name] for name in focus.names if name in selection.documents]
    has_outputs = bool(configuration.consumer(target.consumer).outputs)
    return any(has_outputs or document.is_telling for document in named)
