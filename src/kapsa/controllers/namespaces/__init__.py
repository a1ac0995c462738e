"""Namespaces that are made: furnished, and removed again."""
