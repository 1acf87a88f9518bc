"""The one door to Git: objects and refs through pygit2, no checkout, no network, nothing executed. Start at `repository`."""
