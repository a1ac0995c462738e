"""Kapsa: an environment for every branch and pull request."""

from importlib.metadata import version

__version__ = version("kapsa")
