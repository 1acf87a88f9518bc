"""One agent serves one host: the bundles of a delivered folder, over a Unix socket, to the programs that may have them (ADR 0015)."""
