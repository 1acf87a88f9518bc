"""`python -m llmcfg_cli` is `llmcfg`."""

from __future__ import annotations

from llmcfg_cli.entry import main

main()
