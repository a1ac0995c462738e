"""The chart of the CRDs, with Helm itself, on a real API server."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

import lab
from hack.crd import build_crd
from hack.generate import ROOT
from kapsa.models import KINDS

CHART = ROOT / "helm" / "kapsa-crds"
CRDS = [build_crd(model) for model in KINDS]
NAMES = [f"crd/{crd['metadata']['name']}" for crd in CRDS]
KEEP = "helm.sh/resource-policy"


class Helm:
    """Helm, as the administrator of the laboratory, with a home of its own."""

    def __init__(self, platform: lab.Platform, home: Path) -> None:
        binary = platform.artifact("helm")
        assert binary is not None
        self._binary = binary
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "KUBECONFIG": str(platform.kubeconfig),
        }

    def __call__(self, *arguments: str) -> str:
        """Run a command; its standard output."""
        done = subprocess.run(
            [str(self._binary), *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def helm(platform: lab.Platform, tmp_path: Path) -> Helm:
    return Helm(platform, tmp_path)


@pytest.mark.parametrize(
    ("settings", "annotations"),
    [
        ((), {KEEP: "keep"}),
        (("--set", "crds.keep=false"), None),
        (
            ("--set", "crds.keep=false", "--set-string", r"crds.annotations.example\.com/a=true"),
            {"example.com/a": "true"},
        ),
    ],
    ids=["kept", "not-kept", "annotated"],
)
def test_the_chart_renders_to_the_crds(
    helm: Helm, settings: tuple[str, ...], annotations: dict[str, str] | None
) -> None:
    rendered = {
        document["metadata"]["name"]: document
        for document in yaml.safe_load_all(helm("template", "kapsa-crds", str(CHART), *settings))
    }

    assert [document["metadata"].pop("annotations", None) for document in rendered.values()] == (
        [annotations] * len(CRDS)
    )
    assert rendered == {crd["metadata"]["name"]: crd for crd in CRDS}


def test_the_chart_is_without_fault(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART))


def test_a_release_takes_over_crds_and_leaves_them_when_it_is_uninstalled(
    helm: Helm, platform: lab.Platform
) -> None:
    release = ("kapsa-crds", str(CHART), "--namespace", "default", "--force-conflicts", "--wait")

    helm("install", *release, "--take-ownership")
    helm("upgrade", *release, "--set-string", "crds.annotations.example=yes")
    platform.kubectl("wait", "--for=condition=Established", "--timeout=30s", *NAMES)
    assert _annotation(platform, "example") == ["yes"] * len(CRDS)

    helm("uninstall", "kapsa-crds", "--namespace", "default")
    assert _annotation(platform, r"helm\.sh/resource-policy") == ["keep"] * len(CRDS)


def _annotation(platform: lab.Platform, key: str) -> list[str]:
    output = f'-o=jsonpath={{range .items[*]}}{{.metadata.annotations.{key}}}{{"\\n"}}{{end}}'
    return platform.kubectl("get", *NAMES, output).split()
