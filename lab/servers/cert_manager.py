"""cert-manager's controller, with the custom resources of a current version."""

from __future__ import annotations

from lab.httpclient import answers
from lab.kubernetes_access import kubectl
from lab.servers import apiserver
from lab.servers.base import Command, Server
from lab.site import Site

NAME = "cert-manager"
NAMESPACE = "cert-manager"
_NAMESPACE = f'{{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "{NAMESPACE}"}}}}'


def _command(site: Site) -> Command:
    # The controller ends when its custom resources are missing, so they come first.
    _apply_custom_resources(site)
    kubeconfig = apiserver.component_kubeconfig(site, NAME, "kapsa-lab-cert-manager")
    return Command(
        (
            str(site.artifacts[NAME]),
            f"--kubeconfig={kubeconfig}",
            "--leader-elect=false",
            f"--cluster-resource-namespace={NAMESPACE}",
            "--enable-certificate-owner-ref=true",
            f"--metrics-listen-address=127.0.0.1:{site.port(NAME)}",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        )
    )


def _apply_custom_resources(site: Site) -> None:
    directory = site.artifacts["cert-manager-crds"] / "deploy" / "crds"

    def run(*arguments: str, input: str | None = None) -> None:  # noqa: A002
        binary, home = site.artifacts["kubectl"], site.home("kubectl")
        kubectl(binary, site.kubeconfig, home, *arguments, input=input)

    apply = ("apply", "--server-side", "--field-manager=kapsa-lab", "--force-conflicts", "-f")
    run(*apply, "-", input=_NAMESPACE)
    run(*apply, str(directory))
    run("wait", "--for=condition=Established", "--timeout=30s", "-f", str(directory))


def _ready(site: Site) -> bool:
    return answers(f"{site.url(NAME)}/metrics")


CERT_MANAGER = Server(
    NAME,
    (NAME, "cert-manager-crds", "kubectl"),
    (NAME,),
    _command,
    _ready,
    after=(apiserver.NAME,),
)
