"""Merging two versions of a document that came from one: by key, with comments and layout, and with conflicts at keys.

Rules:
- What the values of the merge are is decided first, without a look at the text (`threeway`). A text counts only if it loads as they are.
- Where a merge of lines, as Git does it, loads as them, it is taken, for it keeps most. Otherwise the texts are woven together by key.
- Where both sides changed one value, markers stand around its entry alone; all else is merged. The text with either side's part is sound.
- What is not sound YAML, or cannot be woven, is left to the merge of lines; and if that would be wrong, the whole file is in conflict.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.documents.loader import load_document
from llmcfg.documents.segments import Segments
from llmcfg.documents.threeway import Clash, merge_values, same
from llmcfg.documents.weaving import Sides, Woven, edited, unravel, weave
from llmcfg.errors import UsageError
from llmcfg.model.difference import diff_values
from llmcfg.model.rules import RULES, Severity
from llmcfg.model.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.documents.threeway import RuleLookup, ValueMerge, Which
    from llmcfg.documents.weaving import Piece
    from llmcfg.model.change import Side
    from llmcfg.model.value import Value
    from llmcfg.model.versions import MergeText

_BOM: Final = "\ufeff"
_NAMES: Final = {"base": "the common version", "ours": "our version", "theirs": "their version"}


class MergedDocument(NamedTuple):
    """`clashes` are the values in conflict; `is_clean` is false also where lines are that nobody could merge by key.

    `remarks` are for people: why there was no merge by key, or what was not carried over although it is no conflict.
    """

    content: bytes
    is_clean: bool
    clashes: tuple[Clash, ...] = ()
    remarks: tuple[str, ...] = ()


def merge_documents(versions: Versions[bytes], rule_at: RuleLookup, merge_text: MergeText) -> MergedDocument:
    """The merge. `rule_at` gives the merge rules of lists, by their paths."""
    if versions.settled is not None:
        return MergedDocument(versions.settled, is_clean=True)
    values = versions.map(_load)
    base, ours, theirs = values
    if base is None or ours is None or theirs is None:
        lines = merge_text(versions)
        return MergedDocument(lines.content, lines.is_clean, remarks=(_why_by_lines(versions),))
    return _merge(versions, Versions(base, ours, theirs), rule_at, merge_text)


def _merge(
    versions: Versions[bytes], values: Versions[dict[str, Value]], rule_at: RuleLookup, merge_text: MergeText
) -> MergedDocument:
    kept, other = (merge_values(Versions(*values), rule_at, side) for side in ("ours", "theirs"))
    lines = merge_text(versions)
    if lines.is_clean and not kept.clashes and same(_load(lines.content), kept.value):
        return MergedDocument(lines.content, is_clean=True)
    woven = _woven(versions, values, rule_at, kept, other)
    if woven is not None:
        return MergedDocument(woven.content, not kept.clashes, kept.clashes, woven.remarks)
    remark = ("its layout does not let it be merged by key",)
    content = _whole(versions) if lines.is_clean else lines.content
    return MergedDocument(content, is_clean=False, clashes=kept.clashes, remarks=remark)


class _Written(NamedTuple):
    content: bytes
    remarks: tuple[str, ...]


def _woven(
    versions: Versions[bytes],
    values: Versions[dict[str, Value]],
    rule_at: RuleLookup,
    kept: ValueMerge,
    other: ValueMerge,
) -> _Written | None:
    """None unless the text with either side's parts holds exactly what the merge of values says."""
    form = versions.map(_Form.of)
    texts = Versions(*map(Segments, (one.text for one in form), values))
    for candidate in _candidates(texts, rule_at, None if kept.clashes else kept.value):
        if candidate is not None and _holds(candidate, "ours", kept) and _holds(candidate, "theirs", other):
            text = "".join(chain.from_iterable(map(_marked, candidate.pieces)))
            return _Written(_Form.merged(form)._replace(text=text).written(), _remarks(candidate))
    return None


def _candidates(texts: Versions[Segments], rule_at: RuleLookup, value: Side) -> Iterator[Woven | None]:
    """The texts woven together; or one of them, edited until it holds `value`, where there is no clash."""
    with suppress(UsageError):
        yield weave(texts, rule_at)
    for text in (texts.ours, texts.theirs) if value is not None else ():
        with suppress(UsageError):
            yield Woven((edited(text.text, diff_values(text.value, value)),), 0)


def _holds(woven: Woven, side: Which, merge: ValueMerge) -> bool:
    return same(_load(unravel(woven.pieces, side).encode("utf-8", "surrogatepass")), merge.value)


def _remarks(woven: Woven) -> tuple[str, ...]:
    return (f"comments or layout that both sides changed are ours: {woven.lost}",) if woven.lost else ()


class _Form(NamedTuple):
    """A text as it is merged, and what is the file's own: a byte order mark, its line ends, whether the last line has one."""

    text: str
    mark: str
    line_end: str
    last: str

    @classmethod
    def of(cls, content: bytes) -> _Form:
        text = content.decode("utf-8", "surrogatepass")
        mark = _BOM if text.startswith(_BOM) else ""
        bare = text.removeprefix(_BOM)
        line_end = "\r\n" if bare.count("\r\n") == bare.count("\n") > 0 else "\n"
        bare = bare.replace("\r\n", "\n") if line_end == "\r\n" else bare
        last = "\n" if bare.endswith("\n") or not bare else ""
        return cls(bare if last else f"{bare}\n", mark, line_end, last)

    @classmethod
    def merged(cls, forms: Versions[_Form]) -> _Form:
        """What one side alone changed; ours where both did."""
        marks, ends, lasts = (Versions(*(form[at] for form in forms)) for at in (1, 2, 3))
        return cls("", *(one.settled if one.settled is not None else one.ours for one in (marks, ends, lasts)))

    def written(self) -> bytes:
        text = self.text if self.last else self.text.removesuffix("\n")
        return (self.mark + text.replace("\n", self.line_end)).encode("utf-8", "surrogatepass")


def _marked(piece: Piece) -> Sequence[str]:
    if isinstance(piece, str):
        return (piece,)
    return ("<<<<<<< ours\n", piece.ours, "=======\n", piece.theirs, ">>>>>>> theirs\n")


def _whole(versions: Versions[bytes]) -> bytes:
    sides = (_Form.of(content) for content in (versions.ours, versions.theirs))
    text = "".join(_marked(Sides(*(form.text for form in sides))))
    return _Form.of(versions.ours)._replace(text=text, last="\n").written()


def _why_by_lines(versions: Versions[bytes]) -> str:
    """Names the first version that cannot be loaded, and its first problem."""
    which = next(name for name, content in versions._asdict().items() if _load(content) is None)
    problems = load_document(versions._asdict()[which]).problems
    first = next(problem for problem in problems if RULES[problem.rule].severity is Severity.ERROR)
    place = f", line {first.line}" if first.line else ""
    return f"merged by lines, since {_NAMES[which]} is no sound YAML{place}: {first.message}"


def _load(content: bytes) -> dict[str, Value] | None:
    """An empty file stands for one that was not there."""
    if not content:
        return {}
    document = load_document(content).document
    return document.value if document is not None else None
