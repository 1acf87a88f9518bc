"""YAML documents: strict loading, positions, edits that keep every other byte, and writing. docs/spec/yaml.md has the rules."""
