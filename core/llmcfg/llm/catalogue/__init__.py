"""What is known about models: limits, prices, abilities and last days (docs/spec/catalogue.md)."""
