"""The fallback graph: who uses what, what answers instead, and what is lost on the way; as a tree, Mermaid, SVG and JSON."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from llmcfg.llm.graph import Graph, build_graph
from llmcfg.llm.platform import Setting
from llmcfg_cli.views.graph import view_graph

from .records import GROUND, platform

PROVIDERS = """
# providers/openai
type: openai
api_key: "{{secret:openai}}"
# providers/other
type: openai
api_key: "{{secret:other}}"
# providers/hub
type: openai_compatible
base_url: http://hub.internal/v1
residency: [us]
"""
MODELS = """
# models/chat
big: {provider: openai, upstream_model: gpt-6.1-sol}
twin: {provider: openai, upstream_model: gpt-6-luna, aliases: [cheap]}
old: {provider: other, upstream_model: gpt-4}
small: {provider: hub, upstream_model: qwen, limits: {context: 8192, max_output: 1024}, capabilities: [streaming]}
"""
ROUTE = """
# routes/chat
targets: [{model: big, weight: 90}, {model: small, weight: 10}]
fallbacks: {on_error: [{model: cheap}, {model: old}]}
"""


def graph(text: str, setting: Setting | None = None, **users: list[str]) -> Graph:
    return build_graph(platform(PROVIDERS + MODELS + text, setting), GROUND, users)


def edge_marks(found: Graph, to: str) -> list[str]:
    return [
        f"{mark.kind}: {mark.text}"
        for route in found.routes
        for edge in route.edges
        if edge.to == to
        for mark in edge.marks
    ]


def model_marks(found: Graph, name: str) -> list[str]:
    [model] = found.behind(name)
    return [f"{mark.kind}: {mark.text}" for mark in model.marks]


def test_a_fallback_of_the_same_vendor_and_key_is_marked_and_one_with_another_key_is_not():
    assert edge_marks(graph(ROUTE), "cheap") == [
        "shared-failure: fails together with big: both are openai with one key"
    ]
    assert "shared-failure" not in str(edge_marks(graph(ROUTE), "old"))


def test_what_a_fallback_takes_gives_or_can_less_is_marked():
    assert edge_marks(graph(ROUTE), "old") == [
        "less-context: context 8,192 after 922,000 of big",
        "less-output: output 4,096 after 128,000 of big",
        "lost-ability: has no vision, which big has",
        "lost-ability: has no json_schema, which big has",
        "lost-ability: has no reasoning, which big has",
    ]


def test_a_retired_model_is_marked_on_the_day_after_its_last_one():
    assert model_marks(graph(ROUTE), "old") == ["retired: gpt-4 is retired since 2026-10-23"]
    assert model_marks(graph(ROUTE), "big") == []


def test_a_name_that_nothing_has_is_marked_and_drawn():
    found = graph("# routes/chat\ntargets: [{model: big}]\nfallbacks: {on_error: [{model: bigg}]}\n")
    assert edge_marks(found, "bigg") == ["missing: no model is called 'bigg' (fallback of chat)"]
    assert found.missing == ("bigg",)


def test_a_cycle_of_routes_is_marked_and_drawn_once():
    found = graph(
        "# routes/a\ntargets: [{model: big}]\nfallbacks: {on_error: [{model: b}]}\n"
        "# routes/b\ntargets: [{model: small}]\nfallbacks: {on_error: [{model: a}]}\n"
    )
    assert edge_marks(found, "a") == ["cycle: fallbacks in a cycle: a -> b -> a", *edge_marks(found, "a")[1:]]
    shown = view_graph(found, "prod", "text").splitlines()
    routes = [line.strip("│├└─ ") for line in shown if "route" in line]
    assert routes == ["route a", "route b", "route a, as above", "in no route"]


def test_models_outside_of_the_allowed_region_are_marked():
    found = graph(ROUTE, Setting(environment="prod", residency=frozenset({"eu"})))
    assert model_marks(found, "small") == ["outside: small is answered by hub in us, and only eu is allowed"]


def test_services_and_prompts_that_name_a_route_or_model_are_its_users():
    services = "# services/bot\nroute: chat\n# services/search\nembedding_route: small\n"
    found = graph(ROUTE + services, chat=["prompt triage"])
    assert found.routes[0].users == ("bot", "prompt triage")
    assert found.behind("small")[0].users == ("search",)


def test_a_part_holds_what_the_route_leads_to_and_no_more():
    other = "# routes/other\ntargets: [{model: old}]\n# routes/top\ntargets: [{model: chat}]\n"
    part = graph("# routes/chat\ntargets: [{model: big}]\n" + other).below("top")
    assert [route.name for route in part.routes] == ["chat", "top"]
    assert [model.name for model in part.models] == ["big"]


def test_the_tree_shows_shares_fallbacks_in_turn_and_what_no_route_leads_to():
    shown = view_graph(graph(ROUTE.replace(", {model: old}", "")), "prod", "text")
    assert shown.splitlines() == [
        "prod",
        "├── route chat",
        "│   ├── big (90)  openai, gpt-6.1-sol, context 922,000",
        "│   ├── small (10)  hub, qwen, context 8,192",
        "│   └── on_error",
        "│       └── twin  openai, gpt-6-luna, context 922,000",
        "│           └── ! fails together with big: both are openai with one key",
        "└── in no route",
        "    └── old  other, gpt-4, context 8,192, until 2026-10-23",
        "        └── ! gpt-4 is retired since 2026-10-23",
    ]


def test_mermaid_groups_models_by_provider_and_numbers_fallbacks():
    lines = view_graph(graph(ROUTE), "prod", "mermaid").splitlines()
    assert lines[:2] == ["%% prod", "flowchart LR"]
    assert '  subgraph p0["openai"]' in lines
    assert [line for line in lines if "on_error" in line][1].startswith('  r0 -.->|"on_error 2<br>context 8,192')
    [styled] = [line for line in lines if "linkStyle" in line]
    assert re.findall(r"\d+", styled.partition(" stroke")[0]) == ["2", "3"]


@pytest.mark.parametrize("name", ['a"]; click r0 "javascript:alert(1)', "<script>alert(1)</script>", "a`b|c\\d"])
def test_a_name_cannot_leave_its_place_in_a_drawing(name: str):
    found = graph(f"# routes/chat\ntargets: [{{model: {json.dumps(name)}}}]\n")
    mermaid = view_graph(found, "prod", "mermaid")
    assert name not in mermaid
    [node] = [line.strip() for line in mermaid.splitlines() if line.strip().startswith("x0[")]
    assert re.fullmatch(r'x0\["[^"<`|]*<br>is not there"\]:::grave', node)
    svg = ElementTree.fromstring(view_graph(found, "prod", "svg"))
    assert {element.tag.partition("}")[2] for element in svg.iter()} <= {
        "svg",
        "style",
        "text",
        "title",
        "path",
        "rect",
    }
    assert name in "".join(svg.itertext())


def test_svg_is_the_same_each_time_and_loads_nothing():
    one, other = (view_graph(graph(ROUTE), "prod", "svg") for _ in range(2))
    assert one == other
    assert "href" not in one
    assert "url(" not in one
    _, *boxes = [element for element in ElementTree.fromstring(one).iter() if element.tag.endswith("rect")]  # on paper
    assert len(boxes) == 5  # a route and four models
    places = sorted((int(box.attrib["x"]), int(box.attrib["y"]), int(box.attrib["height"])) for box in boxes)
    for (x, y, height), (next_x, next_y, _) in pairwise(places):
        assert x != next_x or y + height < next_y


def test_json_has_every_edge_with_its_marks():
    answer = json.loads(view_graph(graph(ROUTE), "prod", "json"))
    assert (answer["kind"], answer["scope"], answer["providers"]) == ("Graph", "prod", ["hub", "openai", "other"])
    edges = [(edge["kind"], edge["to"], edge["weight"], len(edge["marks"])) for edge in answer["routes"][0]["edges"]]
    assert edges == [
        ("target", "big", 90, 0),
        ("target", "small", 10, 0),
        ("on_error", "cheap", None, 1),
        ("on_error", "old", None, 5),
    ]
