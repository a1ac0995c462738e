"""`python -m lab.demo`."""

from __future__ import annotations

from lab.demo.cli import main

main()
