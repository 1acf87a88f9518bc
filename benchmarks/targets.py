"""What llmcfg is to reach, each with the figure that says whether it does. `report.py` prints the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from figures import Measure, median, of_keys, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from figures import Column, Columns

Kind = Literal["ratio", "seconds", "MiB", "KB"]
_SCALES: Final[Mapping[Kind, tuple[Measure, float]]] = {
    "ratio": ("seconds", 1),
    "seconds": ("seconds", 1),
    "MiB": ("memory", 1 << 10),
    "KB": ("grown", 1e3),
}


class Figure(NamedTuple):
    """What a benchmark measured, at one size."""

    benchmark: str
    size: str
    name: str


class Target(NamedTuple):
    """`figure`, or how many times `base` goes into it, is at most or at least `bound`."""

    work: str
    figure: Figure
    bound: float
    kind: Kind = "seconds"
    base: Figure | None = None
    is_least: bool = False

    @property
    def says(self) -> str:
        bound = f"{'at least' if self.is_least else 'at most'} {_bound(self.bound, self.kind)}"
        if self.base is None:
            return bound
        if self.base.name == self.figure.name:
            return f"{bound} that at {self.base.size}"
        return f"{self.figure.name}: {bound} {self.base.name}"


class Verdict(NamedTuple):
    measured: str
    verdict: str


SAMPLE: Final = "sample-repo"
KEYS: Final = {count: of_keys(count) for count in (1_000, 10_000, 100_000, 1_000_000)}
THOUSAND_TENANTS: Final = "1,000,000 keys, 1,000 tenants"
_OURS: Final = "llmcfg validate"
_BARE: Final = "python -c pass"
_OVERLAY: Final = "validate, one key of an overlay"
_DIFF: Final = "diff, one key of an overlay"


def _peer(name: str, size: str, times: float) -> Target:
    figures = Figure("peers", size, name), Figure("peers", size, _OURS)
    return Target(f"cold build, {size} in 4 environments", figures[0], times, "ratio", figures[1], is_least=True)


def _beside_bare(work: str, size: str, name: str, benchmark: str, times: float = 1.5) -> Target:
    return Target(work, Figure(benchmark, size, name), times, "ratio", Figure(benchmark, size, _BARE))


def _growth(name: str) -> Target:
    figures = Figure("scale", KEYS[1_000_000], name), Figure("scale", KEYS[10_000], name)
    return Target(f"… {name.partition(',')[0]}, at 1,000,000 keys beside 10,000", figures[0], 1.3, "ratio", figures[1])


def _tree_look() -> Target:
    size = KEYS[1_000_000]
    look, status = Figure("startup", size, "work tree, seen before"), Figure("startup", size, "git status")
    return Target("work tree snapshot, 10,000 files", look, 2, "ratio", status)


def _differ(name: str, pair: str) -> Target:
    figures = Figure("differing", pair, name), Figure("differing", pair, "llmcfg")
    work = f"semantic diff, 100,000 leaves, 100 changes, two values that are {pair}"
    return Target(work, figures[0], 100, "ratio", figures[1], is_least=True)


def _hostile(name: str) -> Target:
    return Target(f"refuse {name}", Figure("loading", "hostile", name), 0.05)


def _deployed(work: str, name: str, bound: float, kind: Kind = "seconds") -> Target:
    return Target(f"deployed ref, {THOUSAND_TENANTS}: {work}", Figure("deployed", THOUSAND_TENANTS, name), bound, kind)


TARGETS: Final = (
    _peer("rjsonnet", KEYS[100_000], 4),
    _peer("kustomize", KEYS[100_000], 8),
    _peer("kapitan", KEYS[100_000], 20),
    _peer("dynaconf", KEYS[100_000], 150),
    Target("cold build, 100,000 keys: a stretch", Figure("scale", KEYS[100_000], "validate, cold"), 0.5),
    _peer("himl", KEYS[1_000], 1),
    _peer("kcl", KEYS[1_000], 1),
    _peer("plain PyYAML script", KEYS[1_000], 1),
    Target("a full validate, 1,000 keys", Figure("scale", KEYS[1_000], "validate, cold"), 0.06),
    *(
        _beside_bare(f"nothing changed, {KEYS[count]}", KEYS[count], "validate, nothing changed", "startup")
        for count in (1_000, 10_000, 100_000)
    ),
    Target("one key changed in one overlay: validate", Figure("scale", KEYS[10_000], _OVERLAY), 0.1),
    Target("… diff", Figure("scale", KEYS[10_000], _DIFF), 0.1),
    Target("… inside the daemon", Figure("inside", KEYS[10_000], "open and validate"), 0.015),
    *(_growth(name) for name in (_OVERLAY, _DIFF)),
    Target(
        "one key of base that reaches 4,000 targets",
        Figure("tenants", "1,000 tenants", "validate, one key of base"),
        0.5,
    ),
    Target(
        "a key that differs, at 1,000 tenants beside one",
        Figure("tenants", "1,000 tenants", "a key that differs, in process"),
        2,
        "ratio",
        Figure("tenants", "1 tenant", "a key that differs, in process"),
    ),
    _deployed("all bundles of 4 environments, cold", "plan of all environments, cold", 20),
    _deployed("the same, memory", "plan of all environments, cold", 1536, "MiB"),
    _deployed("what a commit of one key of a tenant adds", "apply, one key of a tenant", 100, "KB"),
    _deployed("what a commit of one key adds, that reaches every bundle", "apply, one key", 100, "KB"),
    *(_deployed(name, name, 0.3) for name in ("history of deployments", "status", "rollback")),
    _tree_look(),
    *(_differ(name, pair) for pair in ("shared", "apart") for name in ("deepdiff", "dictdiffer")),
    Target(
        "YAML loader with positions and guards",
        Figure("loading", "documents", "PyYAML CSafeLoader"),
        1.5,
        "ratio",
        Figure("loading", "documents", "llmcfg"),
        is_least=True,
    ),
    _hostile("a list in a list, a million deep"),
    _hostile("a bomb of aliases, ten to the ninth values"),
    _hostile("NUL in a mebibyte of text"),
    _beside_bare("`--version`", SAMPLE, "--version", "daily"),
    Target("`--help`", Figure("daily", SAMPLE, "--help"), 0.15),
    Target("`validate` of the sample, cold", Figure("daily", SAMPLE, "validate, cold"), 0.3),
    Target("`validate` of the sample, warm", Figure("daily", SAMPLE, "validate"), 0.1),
    Target("`get KEY`", Figure("daily", SAMPLE, "get KEY"), 0.15),
    Target("memory, 100,000 keys", Figure("scale", KEYS[100_000], "validate, cold"), 200, "MiB"),
    Target("memory, 10,000 keys", Figure("scale", KEYS[10_000], "validate, first"), 128, "MiB"),
)


def judge(target: Target, found: Mapping[str, Columns]) -> Verdict:
    """By the seconds that passed; where those miss on a busy machine, the seconds of the processors say what an idle one would take."""
    missing = [why for figure in _figures(target) if (why := _why_not(figure, found))]
    if missing:
        return _of_given_up(target, found) or Verdict("", f"not measured: {missing[0]}")
    measure, scale = _SCALES[target.kind]
    value = _value(target, found, measure) / scale
    if value <= 0:
        return Verdict("", "not clear: a difference that is smaller than what the machine does by itself")
    if _holds(target, value):
        return Verdict(_shown(value, target.kind), "met")
    if measure != "seconds":
        return Verdict(_shown(value, target.kind), "**missed**")
    used = _value(target, found, "processors")
    shown = f"{_shown(value, target.kind)}; processors {_shown(used, target.kind)}"
    return Verdict(shown, "met by the processors' time" if _holds(target, used) else "**missed**")


def _figures(target: Target) -> Iterator[Figure]:
    yield target.figure
    if target.base is not None:
        yield target.base


def _column(figure: Figure, found: Mapping[str, Columns]) -> Column | None:
    return found.get(figure.benchmark, {}).get(figure.size)


def _why_not(figure: Figure, found: Mapping[str, Columns]) -> str:
    """Empty for a figure that is there."""
    column = _column(figure, found)
    if column is None:
        return f"{figure.benchmark} did not run at {figure.size}"
    if figure.name in column.without:
        return column.without[figure.name]
    return "" if column.runs.get(figure.name) else f"{figure.benchmark} has no figure of {figure.name}"


def _value(target: Target, found: Mapping[str, Columns], measure: Measure) -> float:
    values = [
        median(column.runs[figure.name], measure) for figure in _figures(target) if (column := _column(figure, found))
    ]
    return values[0] / values[1] if target.base else values[0]


def _of_given_up(target: Target, found: Mapping[str, Columns]) -> Verdict | None:
    """What was given up takes at least as long as it was waited for: enough to meet a bound from below, never to miss one."""
    column = _column(target.figure, found)
    if (
        column is None
        or target.base is None
        or target.figure.name not in column.given_up
        or _why_not(target.base, found)
    ):
        return None
    least = column.given_up[target.figure.name] / _value(Target("", target.base, 0), found, "processors")
    shown = f"more than {_shown(least, target.kind)}"
    return Verdict(shown, "met" if target.is_least and least >= target.bound else "not known: it was given up")


def _holds(target: Target, value: float) -> bool:
    return value >= target.bound if target.is_least else value <= target.bound


def _shown(value: float, kind: Kind) -> str:
    if kind == "seconds":
        return spoken(value)
    return (
        f"{value:.2f} times"
        if kind == "ratio" and value < 10
        else f"{value:,.0f} {'times' if kind == 'ratio' else kind}"
    )


def _bound(bound: float, kind: Kind) -> str:
    """As it was promised."""
    if kind == "seconds":
        return f"{bound * 1000:g} ms" if bound < 1 else f"{bound:g} s"
    return f"{bound:g} {'times' if kind == 'ratio' else kind}"


def rows(found: Mapping[str, Columns]) -> Iterator[str]:
    yield "| work | target | measured | verdict |"
    yield "|---|---|---|---|"
    for target in TARGETS:
        measured, verdict = judge(target, found)
        yield f"| {target.work} | {target.says} | {measured} | {verdict} |"
