"""The cache on disk: results of earlier builds of one repository (docs/adr/0025). It may be deleted at any time."""
