from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.builder.compile import own_go_mod
from lab.errors import LabError
from lab.recipes import Recipe, book, parse, steps
from lab.servers import SERVERS, servers_for, waves

DEMO_SERVERS = [
    "etcd",
    "gitea",
    "registry",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
]


@pytest.mark.parametrize("recipe", book().recipes.values(), ids=lambda recipe: recipe.name)
def test_every_recipe_pins_an_exact_version(recipe: Recipe) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", recipe.version)
    assert recipe.seconds > 0
    assert recipe.disk_mb > 0


def test_the_toolchain_pins_an_exact_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", book().toolchain.wheel_version)


def test_the_test_profile_is_the_demo_profile_and_what_only_tests_need() -> None:
    profiles = book().profiles
    assert set(profiles["test"]) - set(profiles["demo"]) == {
        "cert-manager",
        "cert-manager-crds",
        "gateway-api-crds",
        "helm",
        "kpack-api",
        "kpack-crds",
        "buildkitd",
        "buildctl",
        "rootlesskit",
    }
    assert set(profiles["demo"]) <= set(profiles["test"])


def test_a_profile_starts_the_servers_whose_recipes_it_has() -> None:
    assert [s.name for s in servers_for(book().profiles["demo"])] == DEMO_SERVERS
    assert [s.name for s in servers_for(book().profiles["test"])] == [*DEMO_SERVERS, "cert-manager"]


def test_a_real_node_takes_the_place_of_the_simulated_ones() -> None:
    simulated = [recipe.name for recipe in book().laboratory("demo", "simulated")]
    real = [recipe.name for recipe in book().laboratory("demo", "real")]

    assert simulated == [*book().profiles["demo"]]
    assert [s.name for s in servers_for(real)] == [*DEMO_SERVERS[:-1], "node"]


def test_every_server_needs_only_recipes_that_exist() -> None:
    for server in SERVERS.values():
        assert set(server.recipes) <= set(book().recipes)


def test_a_server_starts_in_a_later_wave_than_those_it_follows() -> None:
    names = [{server.name for server in wave} for wave in waves(SERVERS.values())]
    assert names == [
        {"etcd", "gitea", "registry"},
        {"kube-apiserver"},
        {"kube-controller-manager", "kube-scheduler", "kwok", "node", "cert-manager", "traefik"},
    ]


def test_the_control_plane_is_one_build_step() -> None:
    names = [[recipe.name for recipe in step] for step in steps(book().profile("demo"))]
    assert names[:4] == [
        ["etcd"],
        ["kube-apiserver", "kube-controller-manager"],
        ["kube-scheduler"],
        ["kubectl"],
    ]


def test_recipes_of_a_step_share_module_version_and_way() -> None:
    for step in steps(book().recipes.values()):
        assert len({(r.module, r.version, r.way, r.staging, r.tags, r.stamps) for r in step}) == 1


@pytest.mark.parametrize("ask", [lambda: book().profile("x"), lambda: book().select(["x"])])
def test_an_unknown_name_is_refused_with_the_known_ones(ask: object) -> None:
    with pytest.raises(LabError, match=r"'x'\. (Profiles|Recipes): .*\w"):
        ask()  # type: ignore[operator]


def test_a_profile_stands_for_its_members_in_those_after_it() -> None:
    assert set(book().profiles["routing"]) - set(book().profiles["demo"]) == {
        "cert-manager",
        "cert-manager-crds",
        "gateway-api-crds",
        "traefik",
    }
    started = [server.name for server in servers_for(book().profiles["routing"])]
    assert started == [*DEMO_SERVERS, "cert-manager", "traefik"]


def test_a_profile_with_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown recipes: \\['nope'\\]"):
        parse('[toolchain]\n[profiles]\ndemo = ["nope"]\n[recipes]')


def test_the_digest_changes_with_what_shapes_the_binary_only() -> None:
    first = book().recipes["etcd"]
    assert first.digest == Recipe(**{**vars(first), "seconds": 1}).digest
    assert first.digest != Recipe(**{**vars(first), "tags": ("x",)}).digest


def test_a_program_of_ours_is_built_again_when_its_source_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.recipes._HERE", tmp_path)
    (tmp_path / "go").mkdir()
    main = tmp_path / "go" / "main.go"
    main.write_text("package main\n")
    recipe = Recipe(**{**vars(book().recipes["kpack-api"]), "source": "go"})
    before = recipe.digest

    main.write_text("package main // changed\n")

    assert recipe.sources == (main,)
    assert recipe.digest != before


@pytest.mark.parametrize(
    "fields", ['way = "copy"\nsource = "go/kpack-api"', 'way = "require"\nsource = "go/none"']
)
def test_a_source_is_a_directory_of_go_files_for_a_module_that_is_required(fields: str) -> None:
    text = (
        '[toolchain]\nminimum = "1"\nwheel = "w"\nwheel_version = "1"\n[profiles]\n[recipes.a]\n'
        f'version = "1.0.0"\nmodule = "m"\npackage = "."\nseconds = 1\ndisk_mb = 1\n{fields}\n'
    )
    with pytest.raises(ValueError, match="recipe a: source is a directory of Go files"):
        parse(text)


def test_a_program_of_ours_needs_a_source_and_requires_no_module() -> None:
    text = (
        '[toolchain]\nminimum = "1"\nwheel = "w"\nwheel_version = "1"\n[profiles]\n[recipes.a]\n'
        'version = "1.0.0"\nmodule = "m"\npackage = "."\nseconds = 1\ndisk_mb = 1\nway = "own"\n'
    )
    with pytest.raises(ValueError, match="recipe a: a program of way own has a source"):
        parse(text)
    assert own_go_mod(book().recipes["page"], "") == "module kapsa.invalid/lab\ngo 1.26\n"


def test_staged_modules_are_replaced_by_their_published_versions() -> None:
    upstream = (
        "module k8s.io/kubernetes\n\ngo 1.26.0\n\nreplace (\n"
        "\tk8s.io/api => ./staging/src/k8s.io/api\n\tother.invalid/y => other.invalid/z v1.0.0\n)\n"
    )
    text = own_go_mod(book().recipes["kubectl"], upstream)
    assert "require k8s.io/kubernetes v1.36.3\n" in text
    assert "go 1.26.0\n" in text
    assert [line for line in text.splitlines() if line.startswith("replace")] == [
        "replace k8s.io/api => k8s.io/api v0.36.3"
    ]
