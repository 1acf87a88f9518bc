"""`llmcfg doctor`: whether the program is whole, and whether a repository is fit to be worked with. Nothing is changed."""
