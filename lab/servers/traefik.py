"""Traefik: leads requests to Pods, as Ingresses and the routes of Gateways say."""

from __future__ import annotations

import json

from lab.errors import ServerError
from lab.httpclient import answers
from lab.kubernetes_access import kubectl
from lab.process import free_port
from lab.servers import apiserver
from lab.servers.base import Command, Server
from lab.servers.traefik_objects import CLASS, IDENTITY, objects
from lab.site import Site

NAME = "traefik"
HTTP_PORT = "traefik-web"
HTTPS_PORT = "traefik-websecure"
_PING_PORT = "traefik-ping"
_CRDS = "gateway-api-crds"


def _command(site: Site) -> Command:
    # Its informers wait for every kind they watch, so the kinds and the rights come first.
    _apply(site)
    _choose_ports(site)
    kubeconfig = apiserver.component_kubeconfig(site, NAME, IDENTITY)
    return Command(
        (
            str(site.artifacts[NAME]),
            f"--entrypoints.web.address=127.0.0.1:{site.port(HTTP_PORT)}",
            f"--entrypoints.websecure.address=127.0.0.1:{site.port(HTTPS_PORT)}",
            # So that a router of an Ingress speaks TLS there, without an annotation.
            "--entrypoints.websecure.http.tls=true",
            f"--entrypoints.ping.address=127.0.0.1:{site.port(_PING_PORT)}",
            # Only the others are for Ingresses.
            "--entrypoints.web.asdefault=true",
            "--entrypoints.websecure.asdefault=true",
            "--ping.entrypoint=ping",
            "--providers.kubernetesingress=true",
            "--providers.kubernetesingress.ingressendpoint.ip=127.0.0.1",
            "--providers.kubernetesgateway=true",
            "--providers.kubernetesgateway.experimentalchannel=false",
            "--providers.kubernetesgateway.statusaddress.ip=127.0.0.1",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--api=false",
            "--log.nocolor=true",
            # Which requests failed, and at which Pod.
            "--accesslog=true",
            "--accesslog.filters.statuscodes=400-599",
        ),
        env={"KUBECONFIG": str(kubeconfig)},
    )


def _choose_ports(site: Site) -> None:
    # URLs that Kapsa tells have no port: on these they open as they are.
    for name, usual in ((HTTP_PORT, 80), (HTTPS_PORT, 443)):
        if name not in site.ports:
            site.ports[name] = free_port(usual)


def _apply(site: Site) -> None:
    directory = str(site.artifacts[_CRDS] / "config" / "crd" / "standard")
    apply = ("apply", "--server-side", "--field-manager=kapsa-lab", "--force-conflicts", "-f")
    _kubectl(site, *apply, directory)
    _kubectl(site, "wait", "--for=condition=Established", "--timeout=30s", "-f", directory)
    manifests = {"apiVersion": "v1", "kind": "List", "items": list(objects())}
    _kubectl(site, *apply, "-", input=json.dumps(manifests))


def _kubectl(site: Site, *arguments: str, input: str | None = None) -> None:  # noqa: A002
    binary, home = site.artifacts["kubectl"], site.home("kubectl")
    kubectl(binary, site.kubeconfig, home, *arguments, input=input)


def _ready(site: Site) -> bool:
    return answers(f"{site.url(_PING_PORT)}/ping")


def _configure(site: Site) -> None:
    try:
        accepted = ("--for=condition=Accepted", "--timeout=30s", f"gatewayclass/{CLASS}")
        _kubectl(site, "wait", *accepted)
    except Exception as error:
        raise ServerError(f"Traefik did not take its GatewayClass: {error}") from error


TRAEFIK = Server(
    NAME,
    (NAME, _CRDS, "kubectl"),
    (HTTP_PORT, HTTPS_PORT, _PING_PORT),
    _command,
    _ready,
    _configure,
    after=(apiserver.NAME,),
)
