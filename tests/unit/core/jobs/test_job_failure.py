"""Why a Job failed, as people read it."""

import base64
from typing import Any

import pytest

from kapsa.core.jobs.job_failure import LIMIT, explain
from tests.builders import Manifest, job_manifest

JOB = job_manifest("web-release-1", result="Failed")
SECRET = 'pass"word/1'


def pod(name: str = "release", **terminated: Any) -> Manifest:
    """Return a pod whose container has ended."""
    return {
        "metadata": {"name": "web-release-1-x"},
        "status": {"containerStatuses": [{"name": name, "state": {"terminated": terminated}}]},
    }


@pytest.mark.parametrize(
    ("job", "ended", "log", "expected"),
    [
        pytest.param(
            JOB,
            pod(exitCode=3, reason="Error"),
            "begin\nno such table\n",
            "Job web-release-1: it ended with exit code 3; its log ends: begin | no such table",
            id="the-command-failed",
        ),
        pytest.param(
            JOB,
            pod(exitCode=137, reason="OOMKilled"),
            "begin\n",
            "Job web-release-1: it ended with exit code 137 (OOMKilled); its log ends: begin",
            id="too-little-memory",
        ),
        pytest.param(
            JOB,
            pod("sidecar", exitCode=0),
            None,
            "Job web-release-1: BackoffLimitExceeded: Job has reached the specified backoff limit;"
            " its log could not be read",
            id="another-containers-end",
        ),
        pytest.param(
            job_manifest(
                "web-release-1", result="Failed", reason="DeadlineExceeded", message="too long"
            ),
            None,
            None,
            "Job web-release-1: DeadlineExceeded: too long; its log could not be read",
            id="it-took-too-long-and-its-pod-is-gone",
        ),
        pytest.param(
            job_manifest("web-release-1", result="Failed", reason="", message=""),
            None,
            "\n\n",
            "Job web-release-1: it failed; its log is empty",
            id="nothing-is-known",
        ),
    ],
)
def test_a_failure_says_how_it_ended(
    job: Manifest, ended: Manifest | None, log: str | None, expected: str
) -> None:
    assert explain(job, ended, "release", log) == expected


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(SECRET, id="as-it-is"),
        pytest.param("pass%22word%2F1", id="in-a-url"),
        pytest.param('pass\\"word/1', id="in-json"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="in-base64"),
    ],
)
def test_a_secret_shows_in_no_form(form: str) -> None:
    said = explain(JOB, None, "release", f"connect with {form} failed", [SECRET])

    assert "connect with [redacted]" in said
    assert form not in said


def test_secrets_don_t_show_in_what_the_job_controller_says() -> None:
    job = job_manifest("a", result="Failed", reason="PodFailurePolicy", message=f"env {SECRET}")

    assert SECRET not in explain(job, None, "release", "", [SECRET])


def test_a_long_log_is_cut_at_its_beginning() -> None:
    lines = [f"line {number} {'x' * 60}" for number in range(40)]

    said = explain(JOB, None, "release", "\n".join(lines))

    assert len(said) <= LIMIT
    assert said.endswith(f"{lines[-2]} | {lines[-1]}")
    assert lines[0] not in said
