"""Each field of an Environment and of a DomainPool is tried, or said to be tried elsewhere.

They are tried in tests/integration/test_fields.py.
"""

from pathlib import Path

import pytest

from kapsa.models import DomainPool, Environment
from tests.fields import DOMAIN_POOL, ELSEWHERE, ENVIRONMENT, Trial, fields_of, spec_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("kind", "trials"), [(Environment, ENVIRONMENT), (DomainPool, DOMAIN_POOL)]
)
def test_each_field_is_tried(
    kind: type[Environment | DomainPool], trials: dict[str, Trial]
) -> None:
    fields = fields_of(kind)
    assert fields - set(trials) - set(ELSEWHERE) == set(), "add a Trial to tests/fields.py"
    assert set(trials) - fields == set(), "there is no such field any more"


def test_what_is_tried_elsewhere_is_a_field_that_a_test_names() -> None:
    assert set(ELSEWHERE) <= fields_of(Environment) | fields_of(DomainPool)
    for path, why in ELSEWHERE.items():
        file, _, reason = why.partition(": ")
        assert reason
        name = path.split(".")[-1].removesuffix("[]").removesuffix("[*]")
        assert name in (ROOT / file).read_text(encoding="utf-8"), f"{file} does not name {path}"


def test_a_field_is_set_in_the_spec_that_is_said_around_it() -> None:
    usual = {"image": "x", "runtime": {"replicas": 0}}
    path = "runtime.processes[].ports[].protocol"
    trial = ENVIRONMENT[path]
    without, with_it = spec_of(path, trial, usual), spec_of(path, trial, usual, trial.one)
    (before,), (after,) = (spec["runtime"]["processes"] for spec in (without, with_it))
    assert [port.get("protocol") for port in before["ports"]] == [None, None, None]
    assert [port.get("protocol") for port in after["ports"]] == [None, "UDP", None]
    assert with_it["runtime"]["replicas"] == 0
    assert spec_of("replicas", Trial(2, 3, base={"runtime": {}}), usual, 2)["replicas"] == 2
