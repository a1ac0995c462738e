"""Environments: what they run, what they read, and what became of their Jobs."""
