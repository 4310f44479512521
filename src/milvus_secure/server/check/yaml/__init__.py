"""YAML as texts with their lines, before a reader of configurations gives them types."""
