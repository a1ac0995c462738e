"""The README: what it shows is valid, and what it says in numbers is so."""

import re
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from kapsa.config import Settings
from kapsa.core.hosts.domain import HostRequest, candidate_hosts, host_name
from kapsa.models import KINDS, DomainPool, Project
from lab.demo.cli import demo
from lab.recipes import book

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def manifests() -> dict[str, Any]:
    """Return the README's manifests by kind, read as the operator reads them."""
    models = {kind.definition.kind: kind for kind in KINDS}
    documents = [each for block in BLOCKS for each in yaml.safe_load_all(block)]
    return {each["kind"]: models[each["kind"]].model_validate(each) for each in documents}


def test_every_manifest_of_the_readme_is_valid_and_says_nothing_in_vain() -> None:
    for block in BLOCKS:
        for written in yaml.safe_load_all(block):
            read = manifests()[written["kind"]].to_json()

            assert written["apiVersion"] == "kapsa-project.io/v1alpha1"
            assert contains(read["spec"], written["spec"])


def contains(whole: Any, part: Any) -> bool:
    """Tell whether all of `part` is in `whole`: no field was passed over."""
    if isinstance(part, dict):
        return all(key in whole and contains(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(contains, whole, part))
    return bool(whole == part)


def test_the_project_of_the_readme_refers_to_what_its_admin_offers() -> None:
    found = manifests()

    assert set(found) == {"DomainPool", "Registry", "Project"}
    project: Project = found["Project"]
    assert project.spec.registry is not None
    assert project.spec.registry.name == found["Registry"].metadata.name
    assert project.spec.domain is not None
    assert project.spec.domain.domain_pool_ref.name == found["DomainPool"].metadata.name
    assert project.spec.build.image is not None
    assert project.spec.build.image.startswith(f"{found['Registry'].spec.endpoint}/")


def test_the_hosts_of_the_readme_are_those_that_kapsa_gives() -> None:
    pool: DomainPool = manifests()["DomainPool"]

    def host(environment: str, *, permanent: bool) -> str:
        request = HostRequest(environment, "shop", "ns/name", permanent=permanent)
        name = host_name(request, pool)
        assert isinstance(name, str)
        return candidate_hosts(name, request.holder, pool.spec.base_domains)[0]

    project = README.partition("kind: Project")[2]
    assert f"http://{host('production', permanent=True)}\n" in project
    assert f"http://{host('pr-1', permanent=False)}\n" in project


def test_the_two_commands_come_first_and_every_target_exists_with_a_description() -> None:
    commands = re.findall(r"^\$ (.+)$", README, re.MULTILINE)
    targets = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))

    assert commands == ["make demo", "make test"]
    assert set(re.findall(r"`(?:\$ )?make ([a-z-]+)", README)) <= targets
    assert "$(if $(filter 0,$(STAY)),--once)" in MAKEFILE
    assert CliRunner().invoke(demo, ["--help"]).exit_code == 0


def test_minutes_gigabytes_and_seconds_are_those_of_the_recipes_and_settings() -> None:
    recipes = book().profile("demo")
    minutes = sum(recipe.seconds for recipe in recipes) / 60
    settings = {name: field.default for name, field in Settings.model_fields.items()}

    said = re.search(r"about (\d+) minutes on two\s+cores", README)
    assert said is not None
    assert abs(int(said[1]) - minutes) <= 1.5
    assert "every 5 minutes unless told otherwise, at least 10 seconds apart" in README
    assert settings["default_poll_interval"] == 5 * 60
    assert settings["min_poll_interval"] == 10
