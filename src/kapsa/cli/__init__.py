"""The `kapsa` command."""

from kapsa.cli.root import make_cli

__all__ = ["make_cli"]
