"""Guardrails of the platform as filters of LiteLLM.

The proxy starts without a filter that names a pattern it does not know. So patterns are checked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.record import Record

_STAGES: Final = {"before_call": "pre_call", "during_call": "during_call", "after_call": "post_call"}
_PATTERNS: Final = """
    age_discrimination airline_pnr amex au_abn au_medicare au_tfn aws_access_key aws_secret_key br_cep br_cnpj br_cpf
    br_cpf_unformatted br_phone_landline br_phone_mobile br_rg ca_bank_account ca_immigration_doc ca_ohip ca_on_drivers_licence
    ca_postal_code ca_sin credit_card disability discover email eu_iban_enhanced eu_passport_generic eu_vat explosives
    flight_number fr_nir fr_phone fr_postal_code gender_sexual_orientation generic_api_key github_token harassment_hate iban
    illegal_activities ipv4 ipv6 marital_family_status mastercard military_status nl_bsn_contextual passport_australia
    passport_canada passport_china passport_france passport_germany passport_india passport_japan passport_netherlands
    passport_singapore passport_uk passport_us public_assistance race_ethnicity_national_origin religion self_harm_suicide
    sg_bank_account sg_nric sg_phone sg_postal_code sg_uen skywards_number slack_token street_address terrorism uae_emirates_id
    uae_phone uoft_student_id uoft_tcard uoft_utorid url us_phone us_ssn us_ssn_no_dash violence_threats visa weapons_firearms
    weapons_other
"""
PATTERNS: Final = frozenset(_PATTERNS.split())


def filters(guardrails: Record) -> Iterator[Value]:
    always = guardrails.texts("always_on")
    for rule in guardrails.records("rules"):
        content = _content(rule)
        if content:
            name, stage = rule.need("name"), _stage(rule)
            chosen: dict[str, Value] = {
                "guardrail": "litellm_content_filter",
                "mode": stage,
                "default_on": name in always,
            }
            yield {"guardrail_name": name, "litellm_params": {**chosen, **content}}


def _content(rule: Record) -> dict[str, Value]:
    """What is looked for; nothing for kinds that are not filters."""
    action = rule.text("action", "mask").upper()
    match rule.text("kind"):
        case "pii":
            names = [_pattern(rule, name) for name in rule.texts("entities")]
            return {
                "patterns": [{"pattern_type": "prebuilt", "pattern_name": name, "action": action} for name in names]
            }
        case "blocked_words":
            return {"blocked_words": [{"keyword": word, "action": action} for word in rule.texts("words")]}
        case _:
            return {}


def _pattern(rule: Record, name: str) -> str:
    if name not in PATTERNS:
        raise RecordError(f"{rule.at('entities')} has {name!r}, a pattern that LiteLLM does not have: it would start without the filter",
                          hint=did_you_mean(name, PATTERNS, "such as email, credit_card, iban"))  # fmt: skip
    return name


def _stage(rule: Record) -> str:
    stage = rule.text("stage", "before_call")
    if stage not in _STAGES:
        raise RecordError(f"{rule.at('stage')} is {stage!r}", hint=f"set one of: {', '.join(_STAGES)}")
    return _STAGES[stage]
