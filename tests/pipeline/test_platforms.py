"""The rules about LLM platforms in validation: places, reach, severities, and comments that let findings pass."""

from __future__ import annotations

from datetime import date

from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate
from support.written import WrittenSnapshot

AS_OF = date(2026, 11, 25)
MANIFEST = (
    "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: example\n"
    "environments: {dev: {}, prod: {protected: true}}\ntenants: {acme: {}}\n"
)
SEALED = "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]"
PLATFORM = {
    "llmcfg.yaml": MANIFEST,
    "base/providers/openai.yaml": 'type: openai\napi_key: "{{secret:openai_api_key}}"\ntimeouts: {request_seconds: 60}\n',
    "base/models/chat.yaml": "chat: {provider: openai, upstream_model: gpt-6-luna, rate: {rpm: 10}}\n",
    "base/routes/chat.yaml": "targets: [{model: chat}]\nfallbacks: {on_error: [{model: chat}]}\n",
    "base/budgets.yaml": "tenant: {amount: 10}\n",
    "base/secrets/keys.yaml": f"openai_api_key: {SEALED}\n",
}
OLD = {"base/models/chat.yaml": "chat:\n  provider: openai\n  upstream_model: gpt-4\n"}
ALLOW = "# llmcfg: allow LLM012 until 2027-01-31 because it moves in January\n"


def said(*layers: dict[str, str], rules: tuple[str, ...] = ("LLM012",), as_of: date | None = AS_OF) -> list[str]:
    files = {path: text for layer in (PLATFORM, *layers) for path, text in layer.items()}
    found = validate(WrittenSnapshot({**files}), Memo(), as_of)
    return [f"{f.severity} {f.rule_id} {f.origin} {','.join(f.reach)}" for f in found if f.rule_id.startswith(rules)]


def test_a_finding_stands_where_the_value_is_set_and_says_whom_it_reaches() -> None:
    assert said(OLD) == ["error LLM012 base/models/chat.yaml:3:3 dev,dev/acme,prod,prod/acme"]


def test_a_layer_that_sets_the_value_is_the_place_for_its_scopes_alone() -> None:
    overlay = {"environments/dev/models/chat.yaml": "chat: {upstream_model: gpt-4}\n"}
    assert said(overlay) == ["error LLM012 environments/dev/models/chat.yaml:1:8 dev,dev/acme"]


def test_without_a_day_nothing_is_asked() -> None:
    assert said(OLD, as_of=None) == []


def test_the_day_decides() -> None:
    assert said(OLD, as_of=date(2026, 10, 23)) == []


def test_a_pinned_catalogue_counts_instead_of_the_shipped_one() -> None:
    head = '{"kind": "Catalogue", "source": "x", "version": "1", "sha256": "", "date": "2026-11-25", "notice": "",\n'
    model = '"models": [\n{"id": "gpt-6-luna", "provider": "openai", "mode": "chat", "retires": "2026-11-01"}\n]}\n'
    assert said({"catalogue/models.json": head + model}) == [
        "error LLM012 base/models/chat.yaml:1:26 dev,dev/acme,prod,prod/acme"
    ]


def test_what_lies_beside_a_pinned_catalogue_is_read_by_nothing() -> None:
    assert said({"catalogue/more.json": "{}"}, rules=("layout-unknown",)) == [
        "warning layout-unknown catalogue/more.json "
    ]


def test_a_rule_is_more_severe_where_it_reaches_a_protected_environment() -> None:
    budgets = {"base/budgets.yaml": "services: {}\n"}
    assert [line.split()[0] for line in said(budgets, rules=("LLM029",))] == ["error"]


def test_a_comment_in_the_file_that_a_finding_names_lets_it_pass() -> None:
    old = {"base/models/chat.yaml": f"{ALLOW}{OLD['base/models/chat.yaml']}"}
    assert said(old, rules=("LLM012", "allow-")) == []


def test_a_comment_of_no_use_is_a_finding() -> None:
    allowed = {"base/models/chat.yaml": f"{ALLOW}{PLATFORM['base/models/chat.yaml']}"}
    assert said(allowed, rules=("allow-",)) == ["warning allow-unused base/models/chat.yaml:1:1 "]


def test_no_comment_is_called_of_no_use_while_a_document_that_it_may_be_about_cannot_be_read() -> None:
    allowed = {"base/models/chat.yaml": f"{ALLOW}{PLATFORM['base/models/chat.yaml']}"}
    broken = {"environments/dev/budgets.yaml": "tenant: {amount: no}\n"}
    assert said(allowed, broken, rules=("allow-", "yaml-")) == [
        "error yaml-ambiguous environments/dev/budgets.yaml:1:18 "
    ]


def test_what_cannot_be_read_is_no_platform_and_the_others_are_still_judged() -> None:
    broken = {"environments/dev/budgets.yaml": "tenant: {amount: no}\n"}
    assert said(OLD, broken) == ["error LLM012 base/models/chat.yaml:3:3 prod,prod/acme"]


def test_what_another_rule_says_of_the_same_line_is_not_said_twice() -> None:
    unknown = {"base/providers/openai.yaml": 'type: openai\napi_key: "{{secret:openai_api_kye}}"\n'}
    assert [line.split()[1] for line in said(unknown, rules=("LLM002", "secret-missing"))] == ["secret-missing"]
