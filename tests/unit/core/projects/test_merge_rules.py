"""Whether what layers give together is still within bounds."""

from typing import Any

import pytest

from kapsa.core.projects.merge_rules import merge_problems
from tests.builders import project


def numbered(*numbers: int) -> dict[str, Any]:
    return {"ports": [{"name": f"p{number}", "containerPort": number} for number in numbers]}


def annotated(*numbers: int) -> dict[str, Any]:
    return {"annotations": {f"example.com/a{number}": "x" for number in numbers}}


FULL = range(1, 17)
ENVIRONMENT = {"name": "production", "branch": "main"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"runtime": numbered(*FULL)}, [], id="as-many-as-there-may-be"),
        pytest.param(
            {
                "runtime": numbered(*FULL),
                "environments": [{**ENVIRONMENT, "runtime": numbered(1, 2)}],
            },
            [],
            id="the-same-ones-again",
        ),
        pytest.param(
            {
                "runtime": numbered(*FULL),
                "environments": [{**ENVIRONMENT, "runtime": numbered(99)}],
            },
            [
                (
                    "spec.environments[0].runtime.ports: has 17 items together with what it is"
                    " merged with, and 16 are the most; leave some out"
                )
            ],
            id="one-more",
        ),
        pytest.param(
            {
                "ingress": annotated(*FULL),
                "previewEnvironments": {"ingress": annotated(99, 100)},
            },
            [
                (
                    "spec.previewEnvironments.ingress.annotations: has 18 items together with what"
                    " it is merged with, and 16 are the most; leave some out"
                )
            ],
            id="two-more-keys-of-a-map",
        ),
        pytest.param(
            {
                "runtime": numbered(*FULL),
                "previewEnvironments": {"enabled": False, "runtime": numbered(99)},
            },
            [],
            id="of-previews-that-nobody-has",
        ),
    ],
)
def test_what_is_too_much_together(spec: dict[str, Any], expected: list[str]) -> None:
    assert [str(problem) for problem in merge_problems(project(**spec))] == expected
