"""What is said of wrong files, word for word."""

from pathlib import Path

import pytest

from kapsa.cli.validation.findings import Finding, Severity, summary
from kapsa.cli.validation.judging import judge
from kapsa.cli.validation.sources import Source
from tests.unit.cli.manifests import POOL, PROJECT, REGISTRY, said


@pytest.mark.parametrize(
    ("added", "lines"),
    [
        pytest.param("", [], id="nothing-is-wrong"),
        pytest.param(
            "  previewEnvironments:\n    pullRequest: {enabled: true}\n",
            [
                (
                    "a:8:5: spec.previewEnvironments.pullRequest: unknown field;"
                    " did you mean pullRequests?"
                )
            ],
            id="a-misspelt-field",
        ),
        pytest.param(
            "  domain: {pool: apps}\n",
            [
                "a:7:3: spec.domain.domainPoolRef: is missing",
                "a:7:12: spec.domain.pool: unknown field; known here: domainPoolRef, subdomain",
            ],
            id="a-field-that-is-like-no-other-and-a-missing-one",
        ),
        pytest.param(
            "  isolation: project\n",
            [
                (
                    "a:7:3: spec.isolation: must be one of Shared, Project, Environment;"
                    " did you mean Project?"
                )
            ],
            id="a-word-in-the-wrong-case",
        ),
        pytest.param(
            "  runtime:\n    replicas: '2'\n    env: [{name: A, value: 1}, {name: B, value: on}]\n",
            [
                "a:8:5: spec.runtime.replicas: must be a whole number, not a string",
                (
                    "a:9:21: spec.runtime.env[0].value: must be a string, not a number;"
                    " put it in quotes"
                ),
                (
                    "a:9:42: spec.runtime.env[1].value: must be a string, not true or false;"
                    " put it in quotes"
                ),
            ],
            id="wrong-types",
        ),
        pytest.param(
            "  runtime:\n    replicas: 1.5\n    resources: {limits: {cpu: 0.5, memory: -1}}\n",
            [
                "a:8:5: spec.runtime.replicas: must be a whole number",
                (
                    "a:9:26: spec.runtime.resources.limits[cpu]: must be a whole number or a"
                    " string; put it in quotes"
                ),
                "a:9:36: spec.runtime.resources.limits[memory]: must be at least 0",
            ],
            id="numbers",
        ),
        pytest.param(
            "  environments:\n  - {name: a, branch: b, tag: v*}\n  - {name: a, branch: ''}\n",
            [
                "a:8:5: spec.environments[0]: set exactly one of branch, tag and promoteFrom",
                "a:9:5: spec.environments[1]: has the same name as item [0]",
                "a:9:15: spec.environments[1].branch: must not be empty",
            ],
            id="rules-duplicates-and-lengths",
        ),
        pytest.param(
            "  environments:\n  - {name: a, branch: b}\n  - Broken\n",
            ["a:9:5: spec.environments[1]: must be a mapping, not a string"],
            id="an-item-of-the-wrong-type",
        ),
        pytest.param(
            "  previewEnvironments: {maxLifetime: 1d, ttl: soon}\n",
            [
                (
                    "a:7:42: spec.previewEnvironments.ttl: must be a duration, such as 90s, 1h30m"
                    " or 7d, or a whole number of seconds without quotes"
                )
            ],
            id="the-operators-rules-wait-for-those-of-the-schema",
        ),
        pytest.param(
            "  previewEnvironments: {maxLifetime: 1d}\n",
            [
                (
                    "a:7:25: spec.previewEnvironments.maxLifetime: is 1d, less than ttl, which is"
                    " 7d; raise maxLifetime or lower ttl"
                )
            ],
            id="the-operators-rules",
        ),
        pytest.param(
            "  suspend: true\n  suspend: false\n",
            ["a:8:3: spec.suspend: is there twice; leave one of them out"],
            id="a-field-that-is-there-twice",
        ),
        pytest.param(
            "  repository: {url: 'https://user:hunter2@git.example.com/a'}\n",
            [
                "a:7:3: spec.repository: is there twice; leave one of them out",
                (
                    "a:7:16: spec.repository.url: must be an address such as"
                    " https://git.example.com/acme/shop.git; user and password belong into the"
                    " Secret of spec.repository.credentials"
                ),
            ],
            id="a-password-is-not-repeated",
        ),
        pytest.param(
            '  "\\e[31mred": 1\n',
            [
                (
                    "a:4:1: spec. [31mred: unknown field; known here: access, build, domain,"
                    " environments, ingress, isolation, previewEnvironments, registry, repository,"
                    " runtime, suspend"
                )
            ],
            id="names-do-not-steer-the-terminal",
        ),
        pytest.param(
            "status: {environmentCount: many}\n",
            ["a:7:10: status.environmentCount: must be a whole number, not a string"],
            id="a-status",
        ),
    ],
)
def test_what_is_said_of_a_project(added: str, lines: list[str]) -> None:
    assert said(PROJECT + added) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: 1, a: 2}\n",
            ["a:3:12: note: Secret of v1 is not of Kapsa; skipped"],
            id="another-group",
        ),
        pytest.param(
            "apiVersion: project.openshift.io/v1\nkind: Project\n",
            ["a:1:1: note: Project of project.openshift.io/v1 is not of Kapsa; skipped"],
            id="another-groups-project",
        ),
        pytest.param("- 1\n", ["a:1:1: note: no object of Kubernetes; skipped"], id="a-list"),
        pytest.param(
            "services: {}\n", ["a:1:1: note: no object of Kubernetes; skipped"], id="any-yaml"
        ),
        pytest.param(
            "apiVersion: v2\nname: chart\n",
            ["a:1:1: note: v2 is not of Kapsa; skipped"],
            id="a-chart",
        ),
        pytest.param(
            REGISTRY.replace("v1alpha1", "v1"),
            ["a:1:1: apiVersion: must be kapsa-project.io/v1alpha1"],
            id="another-version",
        ),
        pytest.param(
            REGISTRY.replace("kapsa-project.io/", "kapsa.io/"),
            ["a:1:1: apiVersion: must be kapsa-project.io/v1alpha1"],
            id="a-misspelt-group",
        ),
        pytest.param(
            "kind: Registry\nmetadata: {name: harbor}\nspec: {endpoint: harbor.example.com}\n",
            ["a:1:1: apiVersion: is missing; write kapsa-project.io/v1alpha1"],
            id="no-version",
        ),
        pytest.param(
            REGISTRY.replace("kind: Registry", "kind: Registri"),
            [
                (
                    "a:2:1: kind: must be one of Project, Environment, DomainPool, Registry;"
                    " did you mean Registry?"
                )
            ],
            id="a-misspelt-kind",
        ),
        pytest.param(
            REGISTRY.replace("kind: Registry\n", ""),
            ["a:1:1: kind: is missing; write one of Project, Environment, DomainPool, Registry"],
            id="no-kind",
        ),
        pytest.param(
            REGISTRY.replace("kind: Registry", "kind: [Registry]"),
            ["a:2:1: kind: must be one of Project, Environment, DomainPool, Registry"],
            id="a-kind-that-is-no-word",
        ),
        pytest.param(
            REGISTRY.replace("{name: harbor}", "{name: harbor, labels: {a: 1}, nam: x}"),
            [
                "a:3:35: metadata.labels[a]: must be a string, not a number; put it in quotes",
                "a:3:42: metadata.nam: unknown field; did you mean name?",
            ],
            id="metadata",
        ),
        pytest.param(
            PROJECT.replace("shop}", "Shop}"),
            [
                (
                    "a:3:12: metadata.name: must be the name of an object: lower-case letters,"
                    " digits, '-' and '.', with a letter or digit at both ends"
                ),
                (
                    "a:3:12: a Project's name is a DNS label of at most 40 characters that starts"
                    " with a letter: the names of its objects begin with it"
                ),
            ],
            id="a-name",
        ),
        pytest.param(
            "apiVersion: v1\nkind: List\nitems:\n"
            "- {apiVersion: v1, kind: Secret}\n"
            "- apiVersion: kapsa-project.io/v1alpha1\n"
            "  kind: RegistryList\n"
            "  items:\n"
            "  - apiVersion: kapsa-project.io/v1alpha1\n"
            "    kind: Registry\n"
            "    metadata: {name: harbor}\n"
            "    spec: {endpoint: 'https://harbor.example.com'}\n",
            [
                "a:4:3: note: Secret of v1 is not of Kapsa; skipped",
                (
                    "a:11:12: spec.endpoint: must be a host such as harbor.example.com or"
                    " localhost:5000, without scheme and path"
                ),
            ],
            id="lists-of-objects",
        ),
        pytest.param(
            REGISTRY + "---\n- a: b: c\n",
            ["a:6:7: no valid YAML: mapping values are not allowed in this context"],
            id="what-comes-before-a-syntax-error-is-judged",
        ),
    ],
)
def test_what_is_said_of_a_file(text: str, lines: list[str]) -> None:
    assert said(text) == lines


def test_the_files_of_the_repository_are_right() -> None:
    root = Path(__file__).resolve().parents[3]
    names = sorted((root / "crds").glob("*.yaml"))

    verdict = judge(Source(path.name, path.read_text(encoding="utf-8")) for path in names)

    assert {finding.severity for finding in verdict.findings} == {Severity.NOTE}
    assert (verdict.files, verdict.objects) == (4, 0)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((PROJECT,), "no errors in 1 object of 1 file"),
        ((PROJECT + "  x: 1\n", "a: 1\n"), "1 error and 1 note in 1 object of 2 files"),
        ((PROJECT + "  x: 1\n  y: 1\n", POOL), "2 errors in 2 objects of 2 files"),
        (("a: 1\n", "a: 1\n"), "no errors and 2 notes in 0 objects of 2 files"),
    ],
)
def test_the_summary_counts(texts: tuple[str, ...], expected: str) -> None:
    sources = [Source(name, text) for name, text in zip("abc", texts, strict=False)]

    assert summary(judge(sources)) == expected


def test_a_finding_names_the_object_and_the_reason() -> None:
    (finding,) = judge([Source("a", PROJECT + "  suspend: 1\n")]).findings

    assert isinstance(finding, Finding)
    assert (finding.kind, finding.name, finding.reason, finding.path) == (
        "Project",
        "shop",
        "InvalidSpec",
        "spec.suspend",
    )
