"""What of live objects a plan is compared with."""

from typing import Any

import pytest

from kapsa.cli.planning.content import comparable

DIGEST = {"kapsa-project.io/config": "0123456789abcdef"}


def live(kind: str, **metadata: Any) -> dict[str, Any]:
    """Return an object with pods of that metadata."""
    template = {"template": {"metadata": metadata, "spec": {"a": "b"}}}
    spec = {"jobTemplate": {"spec": template}} if kind == "CronJob" else template
    return {"kind": kind, "metadata": {"name": "a"}, "spec": spec}


@pytest.mark.parametrize("kind", ["Deployment", "Job", "CronJob"])
def test_the_digest_of_what_pods_get_does_not_count(kind: str) -> None:
    labels, note = {"a": "b"}, {"note": "x"}
    alone = live(kind, labels=labels, annotations=DIGEST)
    assert comparable(alone) == live(kind, labels=labels)
    beside = live(kind, labels=labels, annotations=note | DIGEST)
    assert comparable(beside) == live(kind, labels=labels, annotations=note)


def test_the_content_of_a_config_map_does_not_count() -> None:
    found = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"A": "1"}, "binaryData": {}}
    assert comparable(found) == {"kind": "ConfigMap", "metadata": {"name": "a"}}


def test_other_kinds_count_as_they_are() -> None:
    found = {"kind": "Service", "metadata": {"name": "a"}, "data": {"A": "1"}}
    assert comparable(found) == found
