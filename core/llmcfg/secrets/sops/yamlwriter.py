"""A tree as YAML, laid out as sops lays it out: block style, indented by four, two within a list item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.secrets.sops.model import Comment, Item, Leaf, Mapping, Null, Sequence
from llmcfg.secrets.sops.yamlscalars import is_simple_key, write_entry, write_leaf, write_line

if TYPE_CHECKING:
    from llmcfg.secrets.sops.model import Documents, Node

_INDENT: Final = 4


def write_yaml(documents: Documents) -> str:
    return "---\n".join(_document(document) for document in documents)


def write_block(mapping: Mapping, indent: int) -> str:
    """The lines of a mapping that is not empty."""
    out: list[str] = []
    _mapping(mapping, indent, out)
    return "".join(out)


def write_elements(sequence: Sequence, indent: int) -> str:
    """The lines of a list that is not empty."""
    out: list[str] = []
    _sequence(sequence, indent, out)
    return "".join(out)


def _document(document: Mapping) -> str:
    if next(document.entries(), None) is None:
        comments = [item for item in document.items if isinstance(item, Comment)]
        return "".join(f"#{_text(comment)}\n" for comment in comments) + "{}\n"
    return write_block(document, 0)


def _mapping(mapping: Mapping, indent: int, out: list[str], *, continues: bool = False) -> None:
    """`continues`: the first line stands behind a `- ` or `: ` that is written already."""
    pad = " " * indent
    inline: list[str] = []
    for position, item in enumerate(mapping.items):
        if isinstance(item, Comment):
            if item.inline and _takes_inline(mapping.items, position):
                inline.append(f" #{_text(item)}")
            else:
                out.append(f"{'' if continues else pad}#{_text(item)}\n")
                continues = False
            continue
        key, value, _ = item
        if isinstance(value, Leaf) and not inline and not continues and (line := write_entry(key, value)):
            out.append(pad + line)
            continue
        out.append(_key(key, "" if continues else pad, pad))
        continues = False
        _value(value, indent, out, "".join(inline), is_complex=not is_simple_key(key))
        inline = []


def _key(key: str, pad: str, next_pad: str) -> str:
    written = write_line(key)
    if not is_simple_key(key):
        return f"{pad}? {written}\n{next_pad}:"
    return f"{pad}{written}:"


def _value(value: Node, indent: int, out: list[str], inline: str, *, is_complex: bool = False) -> None:
    """`is_complex`: the key is on a line of its own, and the first line of a block stands behind the colon."""
    deeper = _INDENT * ((indent + _INDENT) // _INDENT)
    if isinstance(value, Mapping):
        if next(value.entries(), None) is None:
            out.append(" {" + _only_comments(value.items, deeper) + "}\n")
            return
        out.append(" " * (deeper - indent - 1) if is_complex else "\n")
        _mapping(value, deeper, out, continues=is_complex)
    elif isinstance(value, Sequence):
        if next(value.nodes(), None) is None:
            out.append(" []\n" + _comments_behind(value.items, indent))
            return
        out.append(" " * (deeper - indent - 1) if is_complex else "\n")
        _sequence(value, deeper, out, continues=is_complex)
    else:
        _scalar(value, deeper, out, inline, hinted=deeper - indent == _INDENT)


def _sequence(sequence: Sequence, indent: int, out: list[str], *, continues: bool = False) -> None:
    pad = " " * indent
    inline: list[str] = []
    for position, item in enumerate(sequence.items):
        if isinstance(item, Comment) and item.inline and _takes_inline(sequence.items, position):
            inline.append(f" #{_text(item)}")
            continue
        leading, rest = ([item], None) if isinstance(item, Comment) else _split_leading(item)
        for comment in leading:
            out.append(f"{'' if continues else pad}#{_text(comment)}\n")
            continues = False
        if rest is not None:
            out.append("-" if continues else f"{pad}-")
            continues = False
            _element(rest, indent, out, "".join(inline))
            inline = []


def _element(item: Node, indent: int, out: list[str], inline: str) -> None:
    if isinstance(item, Mapping):
        if next(item.entries(), None) is None:
            out.append(" {" + _only_comments(item.items, indent + 2) + "}" + inline + "\n")
            return
        out.append(" ")
        _mapping(item, indent + 2, out, continues=True)
    elif isinstance(item, Sequence):
        if next(item.nodes(), None) is None:
            out.append(f" []{inline}\n" + _comments_behind(item.items, indent))
            return
        out.append(" ")
        _sequence(item, indent + 2, out, continues=True)
    else:
        _scalar(item, indent + 2, out, inline, hinted=False)


def _scalar(value: Leaf | Null, indent: int, out: list[str], inline: str, *, hinted: bool) -> None:
    text = "null" if isinstance(value, Null) else write_leaf(value, indent, hinted=hinted)
    if inline:
        first, newline, rest = text.partition("\n")
        text = f"{first}{inline}{newline}{rest}"
    out.append(f" {text}\n")


def _split_leading(item: Node) -> tuple[list[Comment], Node]:
    """Comments that start an element of a list stand before its dash."""
    if not isinstance(item, Mapping | Sequence):
        return [], item
    leading: list[Comment] = []
    for entry in item.items:
        if not isinstance(entry, Comment) or (entry.inline and _takes_inline(item.items, len(leading))):
            break
        leading.append(entry)
    if not leading or len(leading) == len(item.items):
        return [], item
    if isinstance(item, Mapping):
        return leading, Mapping(item.items[len(leading) :])
    return leading, Sequence(item.items[len(leading) :])


def _takes_inline(items: list[Item | Comment] | list[Node | Comment], position: int) -> bool:
    """Whether something on one line follows, behind which an inline comment can stand."""
    following = next((item for item in items[position + 1 :] if not isinstance(item, Comment)), None)
    value = following.value if isinstance(following, Item) else following
    return isinstance(value, Leaf | Null) or (value is not None and not value.items)


def _only_comments(items: list[Item | Comment] | list[Node | Comment], indent: int) -> str:
    lines = _comments_behind(items, indent)
    return f"\n{lines}" if lines else ""


def _comments_behind(items: list[Item | Comment] | list[Node | Comment], indent: int) -> str:
    return "".join(f"{' ' * indent}#{_text(item)}\n" for item in items if isinstance(item, Comment))


def _text(comment: Comment) -> str:
    return comment.text.decode("utf-8", "surrogateescape")
