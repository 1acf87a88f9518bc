"""The rules, a module for each family. `llmcfg.model.llmrules` says what they mean, `llmcfg.llm.pages` shows examples."""
