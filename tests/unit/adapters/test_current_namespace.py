"""The namespace of who names none, as kubectl sees it."""

from pathlib import Path

import pytest
import yaml
from kubernetes.aio.config import ConfigException

from kapsa.adapters.connection import current_namespace


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    path = tmp_path / "config"
    contexts = {"one": {"namespace": "team-a"}, "two": {"namespace": "team-b"}, "three": {}}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [
            {"name": name, "context": {"cluster": "c", "user": "me", **more}}
            for name, more in contexts.items()
        ],
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("context", "namespace"),
    [(None, "team-a"), ("one", "team-a"), ("two", "team-b"), ("three", "default")],
)
def test_the_context_says_it(kubeconfig: str, context: str | None, namespace: str) -> None:
    assert current_namespace(kubeconfig, context) == namespace


def test_in_a_pod_its_own_namespace_is_meant(
    tmp_path: Path, kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "namespace"
    said.write_text("builds\n", encoding="utf-8")
    monkeypatch.setattr("kapsa.adapters.connection._POD_NAMESPACE", said)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert current_namespace() == "builds"
    assert current_namespace(kubeconfig) == "team-a"


def test_without_a_kubeconfig_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigException):
        current_namespace(str(tmp_path / "absent"))
