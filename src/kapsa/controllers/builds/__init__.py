"""Builds: begun, watched, cancelled and forgotten."""
