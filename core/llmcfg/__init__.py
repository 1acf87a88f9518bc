"""llmcfg: Git-backed configuration for platforms that run LLM applications."""

__version__ = "0.1.0"
