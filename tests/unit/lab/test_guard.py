from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.errors import ForeignContextError
from lab.guard import require_lab_context
from lab.kubernetes_access import kubectl, write_kubeconfig


def kubeconfig(path: Path, context: str, server: str, **cluster: str) -> Path:
    config = {
        "current-context": context,
        "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
    }
    file = path / "kubeconfig"
    file.write_text(yaml.safe_dump(config), "utf-8")
    return file


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "[::1]", "localhost"])
def test_the_laboratorys_own_context_passes(tmp_path: Path, host: str) -> None:
    require_lab_context(kubeconfig(tmp_path, "kapsa-lab", f"https://{host}:6443"))


@pytest.mark.parametrize(
    ("context", "server"),
    [
        ("production", "https://127.0.0.1:6443"),
        ("kapsa-lab", "https://10.0.0.1:6443"),
        ("kapsa-lab", "https://kubernetes.example:6443"),
        ("kapsa-lab", "https://127.0.0.1.example:6443"),
        ("kapsa-lab", ""),
        ("kind-kapsa", "https://127.0.0.1:6443"),
        ("k3d-kapsa", "https://0.0.0.0:6443"),
    ],
)
def test_foreign_contexts_are_refused(tmp_path: Path, context: str, server: str) -> None:
    with pytest.raises(ForeignContextError, match="Nothing was done"):
        require_lab_context(kubeconfig(tmp_path, context, server))


@pytest.mark.parametrize("context", ["kind-kapsa", "k3d-kapsa"])
def test_local_clusters_pass_only_when_asked_for(tmp_path: Path, context: str) -> None:
    config = kubeconfig(tmp_path, context, "https://127.0.0.1:6443")
    require_lab_context(config, allow_local_clusters=True)
    with pytest.raises(ForeignContextError):
        require_lab_context(config)


@pytest.mark.parametrize("context", ["production", "my-kind-x", "kind-x"])
def test_allowing_local_clusters_allows_no_others(tmp_path: Path, context: str) -> None:
    config = kubeconfig(tmp_path, context, "https://10.0.0.1:6443")
    with pytest.raises(ForeignContextError):
        require_lab_context(config, allow_local_clusters=True)


def test_a_proxy_in_between_is_refused(tmp_path: Path) -> None:
    address = "https://127.0.0.1:6443"
    config = kubeconfig(tmp_path, "kapsa-lab", address, **{"proxy-url": "http://x"})
    with pytest.raises(ForeignContextError, match="proxy"):
        require_lab_context(config)


@pytest.mark.parametrize("text", ["", "[]", "{", "current-context: kapsa-lab", "a: b: c"])
def test_what_is_no_kubeconfig_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text, "utf-8")
    with pytest.raises(ForeignContextError, match="not a usable kubeconfig"):
        require_lab_context(file)


def test_a_missing_kubeconfig_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ForeignContextError):
        require_lab_context(tmp_path / "none")


@pytest.fixture
def fake_kubectl(tmp_path: Path) -> Path:
    script = tmp_path / "kubectl"
    script.write_text('#!/bin/sh\necho "$@"\necho "KUBECONFIG=$KUBECONFIG HOME=$HOME"\n')
    script.chmod(0o755)
    return script


def written(tmp_path: Path, server: str = "https://127.0.0.1:6443") -> Path:
    ca_file = tmp_path / "ca.crt"
    return write_kubeconfig(
        tmp_path / "kubeconfig", server=server, ca_file=ca_file, user="me", token="t"
    )


def test_kubectl_gets_the_laboratorys_kubeconfig_and_not_the_users(
    tmp_path: Path, fake_kubectl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/elsewhere")
    config = written(tmp_path)
    said = kubectl(fake_kubectl, config, tmp_path, "get", "pods", "-l", "a=b").splitlines()
    assert said == [
        f"--kubeconfig={config} --context=kapsa-lab get pods -l a=b",
        f"KUBECONFIG= HOME={tmp_path}",
    ]


@pytest.mark.parametrize(
    "option",
    [
        "--kubeconfig=/x",
        "--kubeconfig",
        "--context=prod",
        "--cluster=c",
        "--server=h",
        "-shttp://h",
    ],
)
def test_kubectl_lets_nobody_choose_another_cluster(
    tmp_path: Path, fake_kubectl: Path, option: str
) -> None:
    with pytest.raises(ForeignContextError):
        kubectl(fake_kubectl, written(tmp_path), tmp_path, "get", "pods", option)


def test_kubectl_is_not_even_started_for_a_foreign_server(tmp_path: Path) -> None:
    config = written(tmp_path, "https://10.0.0.1:6443")
    with pytest.raises(ForeignContextError, match="not an address of this machine"):
        kubectl(tmp_path / "no-such-program", config, tmp_path, "get", "pods")


def test_a_kubeconfig_is_private_and_verifies_the_server(tmp_path: Path) -> None:
    config = written(tmp_path)
    assert config.stat().st_mode & 0o777 == 0o600
    cluster = yaml.safe_load(config.read_text("utf-8"))["clusters"][0]
    assert cluster == {
        "name": "kapsa-lab",
        "cluster": {
            "server": "https://127.0.0.1:6443",
            "certificate-authority": str(tmp_path / "ca.crt"),
        },
    }
