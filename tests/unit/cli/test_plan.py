"""`kapsa plan` without a cluster: files in, the operator's decisions and objects out."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from kapsa.cli import make_cli
from kapsa.models import API_VERSION
from tests.builders import (
    environment_manifest,
    pool_manifest,
    project,
    project_manifest,
    registry_manifest,
    sha,
)

MADE = "kapsa-shop-6b3e3555a7"
ENVIRONMENTS = [{"name": "production", "branch": "main"}, {"name": "staging", "branch": "develop"}]
DOMAIN = {"domainPoolRef": {"name": "apps"}}
POOL = pool_manifest("apps", "a.io")
MAIN, LOGIN, OLD = sha("main"), sha("login"), sha("old")
REFS = f"""\
{MAIN}\tHEAD
{MAIN}\trefs/heads/main
{LOGIN}\trefs/heads/login
{OLD}\trefs/pull/3/head
{LOGIN}\trefs/pull/7/head
{OLD}\trefs/tags/v1
{MAIN}\trefs/tags/v1^{{}}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("refs.txt", REFS)


def write(name: str, content: Any) -> None:
    """Write a file; anything but text as YAML."""
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    Path(name).write_text(text, encoding="utf-8")


def shop(**spec: Any) -> dict[str, Any]:
    """Return the Project `shop` as a person writes it."""
    known = {"environments": ENVIRONMENTS, "repository": repository()}
    manifest = project_manifest("shop", **(known | spec))
    manifest["metadata"] = {"name": "shop", "namespace": "team-a"}
    return manifest


def repository(**more: str) -> dict[str, str]:
    return {"url": "https://git.example.com/acme/shop.git", "provider": "git", **more}


def plan(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(make_cli(lambda: None), ["plan", *arguments], input=stdin)


def planned(*arguments: str) -> dict[str, Any]:
    """Return the plan of the one Project."""
    result = plan(*arguments, "-o", "json")
    assert result.exit_code == 0, result.stderr
    (found,) = json.loads(result.stdout)["projects"]
    return dict(found)


def actions(found: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["action"] for item in found["environments"]}


def test_the_table_says_what_becomes_of_each_environment_and_each_ref() -> None:
    write("shop.yaml", shop(domain=DOMAIN, build={"image": "r.io/shop:{shortSha}"}))
    write("pool.yaml", POOL)

    result = plan("-f", ".", "--refs", "refs.txt")

    assert (result.exit_code, result.stderr) == (0, "")
    image = "r.io/shop:"
    production = f"shop-production {MADE} permanent main {MAIN[:7]} {image}{MAIN[:7]}"
    preview = f"shop-pr-7 {MADE} preview #7 login {LOGIN[:7]} {image}{LOGIN[:7]}"
    assert [" ".join(line.split()) for line in result.stdout.splitlines()] == [
        "Project team-a/shop: 2 to create",
        "",
        "ACTION NAME NAMESPACE TYPE REF COMMIT IMAGE URL",
        f"create {production} http://shop.a.io",
        f"create {preview} http://pr-7-shop.a.io",
        f"namespace {MADE} also gets: ServiceAccount kapsa-shop, NetworkPolicy kapsa",
        "",
        "REF PULL REQUEST COMMIT DECISION REASON WHY",
        "develop Skipped BranchNotFound The repository has no such branch.",
    ]


def test_where_the_pool_has_certificates_hosts_speak_https() -> None:
    offered = {"issuerRef": {"name": "ca"}}
    write("shop.yaml", shop(domain=DOMAIN))
    write("pool.yaml", {**POOL, "spec": {**POOL["spec"], "certManager": offered}})

    found = planned("-f", ".", "--refs", "refs.txt")

    assert [item["url"] for item in found["environments"]] == [
        "https://shop.a.io",
        "https://pr-7-shop.a.io",
    ]


def test_yaml_holds_every_object_in_the_order_in_which_it_is_made() -> None:
    write("shop.yaml", shop(domain=DOMAIN))
    write("pool.yaml", POOL)

    result = plan("-f", "shop.yaml", "-f", "pool.yaml", "--refs", "refs.txt", "-o", "yaml")

    assert result.stdout.startswith("# What Kapsa would bring the cluster to.\n# Images are named")
    objects = ["Environment", "Deployment", "Service", "Ingress"]
    documents = list(yaml.safe_load_all(result.stdout))
    assert [(item["kind"], item["metadata"]["name"]) for item in documents] == [
        ("Namespace", MADE),
        ("ServiceAccount", "kapsa-shop"),
        ("NetworkPolicy", "kapsa"),
        *((kind, "shop-production") for kind in objects),
        *((kind, "shop-pr-7") for kind in objects),
    ]
    assert "kapsa-project.io/applied" not in result.stdout


def test_without_refs_each_named_branch_is_taken_to_exist() -> None:
    write("shop.yaml", shop())

    result = plan("-f", "shop.yaml")

    assert "note: nothing is known of the repository" in result.stderr
    found = planned("-f", "shop.yaml")
    assert actions(found) == {"shop-production": "create", "shop-staging": "create"}
    assert {item["environment"]["spec"]["commit"] for item in found["environments"]} == {"0" * 40}


def test_without_refs_what_exists_stays_as_it_is() -> None:
    owner = project("shop")
    write("shop.yaml", shop(environments=ENVIRONMENTS[:1]))
    existing = [
        environment_manifest("shop-production", of=owner, namespace=MADE, type="permanent",
                             branch="main", commit=MAIN),
        environment_manifest("shop-pr-7", of=owner, namespace=MADE, pr=7, branch="login",
                             commit=LOGIN),
    ]  # fmt: skip
    write("existing.yaml", {"apiVersion": "v1", "kind": "List", "items": existing})

    found = planned("-f", "shop.yaml", "-f", "existing.yaml")

    assert actions(found) == {"shop-production": "update", "shop-pr-7": "update"}
    commits = [item["environment"]["spec"]["commit"] for item in found["environments"]]
    assert commits == [MAIN, LOGIN]


def test_an_environment_whose_pull_request_is_closed_is_deleted() -> None:
    write("shop.yaml", shop())
    old = environment_manifest("shop-pr-3", of=project("shop"), namespace=MADE, pr=3, commit=OLD)
    write("old.yaml", old)

    found = planned("-f", "shop.yaml", "-f", "old.yaml", "--refs", "refs.txt")

    assert actions(found)["shop-pr-3"] == "delete"


def test_pull_requests_are_given_where_refs_say_too_little() -> None:
    write("shop.yaml", shop(repository=repository(provider="gitea")))
    assert "give --pulls" in plan("-f", "shop.yaml", "--refs", "refs.txt").stderr
    pulls = [
        {"number": 8, "head": "x", "sha": OLD, "draft": True},
        {"number": 9, "head": "y", "sha": LOGIN, "title": "Log in"},
    ]
    write("pulls.json", json.dumps(pulls))

    found = planned("-f", "shop.yaml", "--refs", "refs.txt", "--pulls", "pulls.json")

    assert list(actions(found)) == ["shop-production", "shop-pr-9"]
    skipped = [(item["ref"], item["reason"], item["explanation"]) for item in found["candidates"]]
    assert ("x", "Draft", "Drafts get no preview unless `drafts` is true.") in skipped


def test_tags_are_followed() -> None:
    write("shop.yaml", shop(environments=[{"name": "production", "tag": "v*"}]))

    (production, _) = planned("-f", "shop.yaml", "--refs", "refs.txt")["environments"]

    assert (production["ref"], production["environment"]["spec"]["commit"]) == ("v1", MAIN)


def test_what_waits_to_be_told_is_said() -> None:
    write("shop.yaml", shop(environments=[{**ENVIRONMENTS[0], "autoSync": False}]))

    found = planned("-f", "shop.yaml", "--refs", "refs.txt")

    assert found["offers"] == [{"name": "shop-production", "ref": "main", "commit": MAIN}]
    table = plan("-f", "shop.yaml", "--refs", "refs.txt").stdout
    assert f"shop-production could run commit {MAIN[:7]} main: autoSync is false" in table


def test_where_the_pool_is_not_known_hosts_end_in_a_name_that_nobody_can_have() -> None:
    write("shop.yaml", shop(domain=DOMAIN))

    result = plan("-f", "shop.yaml")

    assert "note: DomainPool apps is not among the files" in result.stderr
    assert "http://shop.apps.invalid" in result.stdout


@pytest.mark.parametrize("kind", ["DomainPool", "Registry"])
def test_what_is_named_and_not_among_those_that_are_given_is_missed(kind: str) -> None:
    named: dict[str, dict[str, Any]] = {
        "DomainPool": {"domain": DOMAIN},
        "Registry": {"registry": {"name": "harbor"}},
    }
    specs = {"DomainPool": {"baseDomains": ["a.io"]}, "Registry": {"endpoint": "r.io"}}
    other = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "other"}}
    write("shop.yaml", shop(**named[kind]))
    write("other.yaml", {**other, "spec": specs[kind]})

    result = plan("-f", "shop.yaml", "-f", "other.yaml")

    assert result.exit_code == 0
    assert f"shop-production: {kind}NotFound: {kind} " in result.stdout


def test_an_image_that_is_not_on_the_registry_is_not_waited_for() -> None:
    write("shop.yaml", shop(registry={"name": "harbor"}))
    write("registry.yaml", registry_manifest("harbor", endpoint="r.io"))

    result = plan("-f", "shop.yaml", "-f", "registry.yaml")

    assert "shop-production: RegistryMismatch: image registry.example.com/" in result.stdout


def test_an_image_of_another_team_is_not_waited_for_either() -> None:
    write("shop.yaml", shop(registry={"name": "harbor"}))
    write("registry.yaml", registry_manifest("harbor", repositoryTemplate="{namespace}/{project}"))

    result = plan("-f", "shop.yaml", "-f", "registry.yaml")

    assert "shop-production: RepositoryNotAllowed: spec.build.image: " in result.stdout


BUILT: dict[str, Any] = {
    "build": {"strategy": "dockerfile", "image": None},
    "registry": {"name": "harbor"},
    "environments": ENVIRONMENTS[:1],
}


def test_an_image_that_kapsa_builds_is_where_the_registry_has_those_of_the_project() -> None:
    write("shop.yaml", shop(**BUILT))
    write("registry.yaml", registry_manifest("harbor", repositoryTemplate="{namespace}/{project}"))

    result = plan("-f", "shop.yaml", "-f", "registry.yaml")

    assert "the tag of a commit that no Environment has yet ends in -unread here" in result.stderr
    assert re.search(
        r" registry\.example\.com/team-a/shop:kapsa-[0-9a-f]{12}-unread", result.stdout
    )


def test_where_its_registry_is_not_known_it_is_on_a_host_that_nobody_can_have() -> None:
    write("shop.yaml", shop(**BUILT))

    result = plan("-f", "shop.yaml")

    assert "note: Registry harbor is not among the files" in result.stderr
    assert " harbor.invalid/shop:kapsa-" in result.stdout


def test_an_image_that_can_be_pushed_nowhere_is_not_waited_for() -> None:
    write("shop.yaml", shop(**BUILT))
    write("registry.yaml", registry_manifest("harbor"))

    result = plan("-f", "shop.yaml", "-f", "registry.yaml")

    said = "shop-production: RepositoryNotAllowed: Registry harbor has no repositoryTemplate"
    assert said in result.stdout


def test_the_service_account_pulls_with_the_secret_of_the_registry() -> None:
    write("shop.yaml", shop(registry={"name": "second"}))
    offered: dict[str, Any] = {
        "pullAuth": {"secretRef": {"name": "pull"}},
        "imagePullSecret": {"name": "kapsa-pull"},
    }
    write("first.yaml", registry_manifest("first", **offered))
    write("second.yaml", registry_manifest("second", **offered))

    result = plan("-f", "shop.yaml", "-f", "second.yaml", "-o", "yaml")
    both = plan("-f", "shop.yaml", "-f", "first.yaml", "-f", "second.yaml", "-o", "yaml")

    assert "imagePullSecrets:\n- name: kapsa-pull\n" in result.stdout
    assert "imagePullSecrets:\n- name: kapsa-pull-" in both.stdout


def test_a_project_without_a_namespace_is_in_the_one_that_is_named() -> None:
    manifest = shop()
    del manifest["metadata"]["namespace"]

    result = plan("-f", "-", "-n", "team-b", stdin=json.dumps(manifest))

    assert result.stdout.startswith("Project team-b/shop: ")


def test_defaults_are_those_of_the_api_server() -> None:
    ports = [{"name": "http", "containerPort": 53, "protocol": "UDP"}]
    tcp = {"ports": [{"name": "http", "containerPort": 80}]}
    write("shop.yaml", shop(runtime={"ports": ports},
                            environments=[{**ENVIRONMENTS[0], "runtime": tcp}]))  # fmt: skip

    (production,) = planned("-f", "shop.yaml")["environments"]

    assert production["environment"]["spec"]["runtime"]["ports"][0]["protocol"] == "TCP"


def test_what_is_not_of_kapsa_is_left_out_with_a_note() -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    write("all.yaml", {"apiVersion": "v1", "kind": "List", "items": [other, shop()]})

    result = plan("-f", "all.yaml", "--refs", "refs.txt")

    assert (result.exit_code, result.stderr) == (
        0,
        "note: ConfigMap of v1 is not of Kapsa; skipped\n",
    )


def test_a_plan_is_the_same_each_time() -> None:
    write("shop.yaml", shop(domain=DOMAIN))

    first, second = (plan("-f", "shop.yaml", "--refs", "refs.txt", "-o", "yaml") for _ in range(2))

    assert first.stdout == second.stdout


WRONG = [
    pytest.param(
        {"shop.yaml": shop(environment=[])},
        "shop.yaml:9:3: spec.environment: unknown field; did you mean environments?",
        id="a-field-that-is-not-known",
    ),
    pytest.param({"shop.yaml": "a: [\n"}, "shop.yaml:2:1: no valid YAML", id="no-yaml"),
    pytest.param({"shop.yaml": POOL}, "there is no Project in shop.yaml", id="no-project"),
    pytest.param({}, "shop.yaml: No such file", id="no-file"),
    pytest.param(
        {"shop.yaml": shop(), "refs.txt": "fatal: not found\n"},
        "refs.txt isn't a listing of refs: write it with `git ls-remote <url> > refs.txt`",
        id="no-refs",
    ),
    pytest.param({"shop.yaml": shop(), "refs.txt": None}, "refs.txt: No such", id="no-refs-file"),
    pytest.param(
        {"shop.yaml": shop(), "pulls.yaml": [{"number": 7, "head": "x"}]},
        "pulls.yaml: 0.sha: Field required",
        id="no-pull-requests",
    ),
    pytest.param(
        {"shop.yaml": shop(), "pulls.yaml": "["}, "pulls.yaml is neither", id="pulls-no-yaml"
    ),
]


@pytest.mark.parametrize(("files", "message"), WRONG)
def test_what_is_wrong_is_said_and_nothing_planned(files: dict[str, Any], message: str) -> None:
    for name, content in files.items():
        if content is None:
            Path(name).unlink()
        else:
            write(name, content)
    pulls = ("--pulls", "pulls.yaml") if "pulls.yaml" in files else ()

    result = plan("-f", "shop.yaml", "--refs", "refs.txt", *pulls)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_one_listing_is_not_taken_for_two_repositories() -> None:
    other = shop(repository=repository(url="https://git.example.com/acme/blog.git"))
    other["metadata"]["name"] = "blog"
    write("both.yaml", {"apiVersion": "v1", "kind": "List", "items": [shop(), other]})

    result = plan("-f", "both.yaml", "--refs", "refs.txt")

    assert result.exit_code == 2
    assert "are about one repository" in result.stderr
    assert plan("-f", "both.yaml").exit_code == 0


def test_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("kapsa.cli.planning")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)

    result = plan("-f", "shop.yaml")

    assert result.exit_code == 2
    assert "pip install 'kapsa[cli]'" in result.stderr


def test_the_operator_does_not_load_it() -> None:
    code = (
        "import sys, kapsa.__main__, kapsa.main; print([m for m in sys.modules if 'planning' in m])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert found.stdout == "[]\n"
