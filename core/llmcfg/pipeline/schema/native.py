"""jsonschema_rs, loaded without the standard library's mail and what that loads: it asks for nothing of it but the date of its build."""

from __future__ import annotations

from llmcfg.standins import Later, standing_in

with standing_in(Later("email.utils", parsedate_to_datetime=str)):
    import jsonschema_rs as jsonschema_rs
