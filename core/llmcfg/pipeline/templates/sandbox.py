"""The Jinja2 environment that templates run in.

Beyond Jinja2's immutable sandbox: only the filters, tests and globals on the lists here; everything undefined is refused wherever it
shows up; a value is written as configuration formats write it (`true`, not `True`), and what has no one way to be written (null, lists,
mappings, functions) is refused; a program that is nested too deep is refused with its line before Python compiles it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from jinja2 import FunctionLoader, StrictUndefined, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError, TemplateAssertionError
from jinja2.filters import FILTERS as BUILT_IN_FILTERS
from jinja2.parser import Parser
from jinja2.runtime import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range

from llmcfg.model.reference import secret_reference
from llmcfg.pipeline.templates.filters import FILTERS, secret_use
from llmcfg.pipeline.templates.plain import RefusedError, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from jinja2 import Template
    from jinja2.runtime import Context

    from llmcfg.pipeline.templates.request import SecretValue

# fmt: off
ALLOWED_FILTERS: Final = frozenset({
    "abs", "batch", "capitalize", "count", "d", "default", "dictsort", "first", "float", "format", "groupby", "indent",
    "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace",
    "reverse", "round", "select", "selectattr", "slice", "sort", "string", "sum", "title", "trim", "truncate", "unique",
    "upper", "urlencode", "wordcount", "wordwrap",
})
# fmt: on
_METHODS_BEFORE_KEYS: Final = frozenset({"get", "items", "keys", "values"})
_NESTING: Final = 100  # expressions within expressions; Python's own compiler gives up at 200 parentheses
_BLOCKS: Final = 20  # Python's own limit on nested blocks
_PRODUCT: Final = 1 << 20  # characters or items that `*` may make at once
_POWER_BITS: Final = 1 << 16


class MissingError(UndefinedError):
    """Something that is not there was used: `name` of `owner`, or a variable when `owner` is `missing`."""

    def __init__(self, message: str, owner: object, name: object) -> None:
        super().__init__(message)
        self.owner = owner
        self.name = name


class LimitError(Exception):
    """Something would become too large; `place` is the template and line, where no frame of the template says it."""

    def __init__(self, message: str, place: tuple[str, int] | None = None) -> None:
        super().__init__(message)
        self.place = place


class TextError(Exception):
    """The text of a template is refused before it runs."""

    def __init__(self, message: str, file: str, line: int) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


class DepthError(TextError):
    """It nests too deep."""


class ForbiddenError(TextError):
    """It names what is not for templates: `word`."""

    def __init__(self, message: str, file: str, line: int, word: str) -> None:
        super().__init__(message, file, line)
        self.word = word


def _fail(self: Undefined, *_args: object, **_named: object) -> NoReturn:
    if self._undefined_exception is SecurityError:
        raise SecurityError(self._undefined_message)
    raise MissingError(self._undefined_message, self._undefined_obj, self._undefined_name)


class Missing(StrictUndefined):
    """Refuses every use, `repr` too: Jinja2's own shows up as the word Undefined inside a printed list."""

    __slots__ = ()
    _fail_with_undefined_error = _fail
    __repr__ = _fail


for _kind in (Undefined, StrictUndefined):
    for _name, _member in vars(_kind).items():
        if _member is Undefined._fail_with_undefined_error:
            setattr(Missing, _name, _fail)


class Sandbox(ImmutableSandboxedEnvironment):
    """Renders one request after another; `begin` is called before each.

    `names_read` are the templates looked for since then, found or not, and `secrets_named` the uses that `secret` was asked for.
    """

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, templates: Mapping[str, bytes]) -> None:
        super().__init__(
            loader=_loader(templates),
            undefined=Missing,
            finalize=text_of,
            autoescape=False,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
            optimized=False,
        )
        self.filters = {name: BUILT_IN_FILTERS[name] for name in sorted(ALLOWED_FILTERS)} | FILTERS
        self.filters["secret"] = self.secret
        self.globals = {"range": safe_range, "dict": dict, "secret": self.secret}
        self.names_read: set[str] = set()
        self.secrets_named: set[str] = set()
        self._values: Mapping[str, SecretValue] | None = None

    def begin(self, values: Mapping[str, SecretValue] | None) -> None:
        """Forget the rendering before. With `values`, `secret` gives them in the place of references."""
        self.names_read.clear()
        self.secrets_named.clear()
        self._values = values

    def secret(self, name: Any) -> SecretValue:
        """The reference to a secret, as text; its value in an opened output."""
        use = secret_use(name)
        self.secrets_named.add(str(use))
        if self._values is None:
            return secret_reference(use)
        if str(use) not in self._values:
            raise RefusedError(f"{str(use)!r} was not asked for when its place was held by a reference",
                               hint="name the same secrets whatever the values of others are")  # fmt: skip
        return self._values[str(use)]

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A key of a mapping comes before a Python method of the same name, but for the methods that templates use."""
        if isinstance(obj, dict) and attribute in obj and attribute not in _METHODS_BEFORE_KEYS:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "*":
            _check_product(left, right)
            _check_product(right, left)
        elif isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > _POWER_BITS:
            raise LimitError("the power is too large a number")
        return super().call_binop(context, operator, left, right)

    def _load_template(self, name: str, globals: MutableMapping[str, Any] | None) -> Template:
        self.names_read.add(name)
        return super()._load_template(name, globals)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parser = Parser(self, source, name, filename)
        try:
            tree = parser.parse()
        except RecursionError:
            raise DepthError("it nests too deep", name or "", parser.stream.current.lineno) from None
        _check_depth(tree, name or "")
        _check_names(tree, name or "", self)
        return tree


def _loader(templates: Mapping[str, bytes]) -> FunctionLoader:
    """Templates by their path in the repository, and nothing else."""

    def load(name: str) -> str | None:
        data = templates.get(name)
        try:
            return None if data is None else data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise TemplateSyntaxError("the template is not UTF-8 text", line, name) from error

    return FunctionLoader(load)


def _check_product(factor: Any, times: Any) -> None:
    if isinstance(times, int) and isinstance(factor, str | list | tuple) and len(factor) * times > _PRODUCT:
        raise LimitError(
            f"a {'text' if isinstance(factor, str) else 'list'} of {len(factor) * times} items is too long"
        )


def _check_depth(tree: nodes.Template, file: str) -> None:
    waiting: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
    while waiting:
        node, expressions, blocks = waiting.pop()
        expressions = expressions + 1 if isinstance(node, nodes.Expr) else 0
        blocks += isinstance(node, nodes.Stmt)
        if expressions > _NESTING or blocks > _BLOCKS:
            raise DepthError("it nests too deep", file, node.lineno)
        waiting += [(child, expressions, blocks) for child in node.iter_child_nodes()]


def _check_names(tree: nodes.Template, file: str, sandbox: Sandbox) -> None:
    """Filters and tests that are not on the lists; Jinja2 itself finds those in a branch that is not taken only when it is."""
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        kind, known = ("filter", sandbox.filters) if isinstance(node, nodes.Filter) else ("test", sandbox.tests)
        if node.name in known:
            continue
        if node.name in BUILT_IN_FILTERS and kind == "filter":
            message = f"the filter {node.name!r} is not available in templates"
            raise ForbiddenError(message, file, node.lineno, node.name)
        raise TemplateAssertionError(f"there is no {kind} {node.name!r}", node.lineno, file)
