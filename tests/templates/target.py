"""The target that the tests render for."""

from __future__ import annotations

CONTEXT = {
    "config": {
        "name": "gateway",
        "routes": {"fast": {"model": "gpt-4", "weight": 3}},
        "models": ["a", "b"],
        "on": True,
    },
    "environment": "prod",
    "tenant": None,
    "consumer": "api-gateway",
    "variables": {"region": "eu"},
}
