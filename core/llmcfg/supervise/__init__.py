"""Running a program that knows nothing of llmcfg: with an environment and files from its bundle, and told when they change."""
