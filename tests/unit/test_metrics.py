"""The metrics: names that dashboards expect, and no label without bound."""

import ast
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

import kapsa
from kapsa import metrics

SOURCE = Path(kapsa.__file__).parent

BOUNDED = {"type", "result", "kind", "queue", "strategy"}
"""Labels whose values are words of this source."""


def declared() -> dict[str, tuple[str, ...]]:
    return {
        metric._name: metric._labelnames
        for metric in vars(metrics).values()
        if isinstance(metric, Counter | Gauge | Histogram)
    }


def test_the_names_that_dashboards_expect_are_there() -> None:
    # The client library adds `_total` to counters.
    assert {
        "kapsa_projects_total",
        "kapsa_project_reconcile",
        "kapsa_project_reconcile_duration_seconds",
        "kapsa_environments_total",
        "kapsa_git_poll",
    } <= set(declared())


def test_every_name_begins_with_the_prefix() -> None:
    assert all(name.startswith("kapsa_") for name in declared())


def test_no_label_has_unbounded_values() -> None:
    assert {label for names in declared().values() for label in names} <= BOUNDED


def test_labels_get_no_value_from_outside() -> None:
    """A value is a constant, or one of a few local names that can only be one."""
    values = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_labels = isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".labels")
            if is_labels and isinstance(node, ast.Call):
                values |= {
                    ast.unparse(keyword.value)
                    for keyword in node.keywords
                    if not isinstance(keyword.value, ast.Constant)
                }
    assert values <= {
        "result",
        "kind",
        "type_",
        "queue.name",
        "'failed' if snapshot.problem else 'ok'",
        "'failed' if trouble else 'ok'",
        "'found' if image else 'missing'",
        "build.strategy",
        "build.state.lower()",
    }
