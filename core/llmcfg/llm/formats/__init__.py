"""Files of other programs than LiteLLM as platforms, a module for each program."""
