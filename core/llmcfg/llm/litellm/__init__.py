"""LiteLLM proxy configs as platforms."""
