"""Files for the tests of the command line, and what is said of them."""

import click

from kapsa.cli.validation.findings import as_text
from kapsa.cli.validation.judging import judge
from kapsa.cli.validation.sources import Source

PROJECT = """\
apiVersion: kapsa-project.io/v1alpha1
kind: Project
metadata: {name: shop}
spec:
  repository: {url: https://git.example.com/acme/shop.git}
  build: {image: "ghcr.io/acme/shop:{sha}"}
"""
POOL = """\
apiVersion: kapsa-project.io/v1alpha1
kind: DomainPool
metadata: {name: apps}
spec: {baseDomains: [apps.example.com], allocationPolicy: {reservedSubdomains: [www]}}
"""
REGISTRY = """\
apiVersion: kapsa-project.io/v1alpha1
kind: Registry
metadata: {name: harbor}
spec: {endpoint: ghcr.io}
"""


def said(*texts: str) -> list[str]:
    """Return the lines about files `a`, `b`, …, without colours."""
    sources = [Source(name, text) for name, text in zip("abc", texts, strict=False)]
    return [click.unstyle(line) for line in as_text(judge(sources).findings)]
