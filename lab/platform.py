"""A running laboratory, as tests and the demo see it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.gitea import Gitea
from lab.images import Registry
from lab.kubernetes_access import kubectl, write_kubeconfig
from lab.paths import private_directory
from lab.recipes import NodeKind
from lab.routing import Routing
from lab.servers import apiserver, gitea, node, registry, traefik
from lab.site import Site
from lab.supervisor import Supervisor


@dataclass(frozen=True)
class ApiServer:
    """The Kubernetes API: verify it by `ca_file`; the token belongs to system:masters."""

    url: str
    ca_file: Path
    admin_token: str = field(repr=False)


@dataclass(frozen=True)
class Platform:
    """A running laboratory. Credentials are throw-away, and valid on this machine only.

    `kubeconfig` is the administrator's; its context is called `kapsa-lab`. `audit_log` has one
    JSON object a line for each changing request (Metadata level), written before the request is
    answered. `gitea`, `registry` and `routing` are None if the profile doesn't have them.
    On a `real` node containers run; it reaches the forge and the registry at `address`.
    """

    kubeconfig: Path
    api_server: ApiServer
    gitea: Gitea | None
    registry: Registry | None
    routing: Routing | None
    audit_log: Path
    directory: Path
    node: NodeKind
    address: str
    _site: Site = field(repr=False)
    _supervisor: Supervisor = field(repr=False)

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002
        """Runs kubectl as the administrator; its standard output.

        Raises LabError with kubectl's message if it fails.
        """
        binary, home = self._site.artifacts["kubectl"], self._site.home("kubectl")
        return kubectl(binary, self.kubeconfig, home, *arguments, input=input)

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Applies manifests as the administrator would. Raises LabError if one is refused."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "-f", "-", input=json.dumps(items))

    @property
    def kubectl_binary(self) -> Path:
        """The kubectl program of the laboratory."""
        return self._site.artifacts["kubectl"]

    def artifact(self, recipe: str) -> Path | None:
        """What the laboratory built by that recipe; None where its profile hasn't got it."""
        return self._site.artifacts.get(recipe)

    def start(self, name: str) -> None:
        """Starts a stopped server on its old ports, and waits until it is ready."""
        self._supervisor.start(name)

    def stop(self, name: str) -> None:
        """Stops a server and keeps its data: SIGTERM, after a few seconds SIGKILL."""
        self._supervisor.stop(name)

    def restart(self, name: str) -> None:
        """Stops and starts a server, on the same ports."""
        self.stop(name)
        self.start(name)

    def log(self, name: str) -> Path:
        """The log file of a server."""
        return self._site.log(name)

    def service_account_kubeconfig(
        self, namespace: str, name: str, *, duration: str = "24h"
    ) -> Path:
        """Makes a kubeconfig that acts as an existing ServiceAccount, with a token for `duration`.

        Raises LabError if the account does not exist.
        """
        token = self.kubectl(
            "create", "token", name, f"--namespace={namespace}", f"--duration={duration}"
        )
        directory = private_directory(self.directory / "service-accounts")
        return write_kubeconfig(
            directory / f"{namespace}.{name}.kubeconfig",
            server=self.api_server.url,
            ca_file=self.api_server.ca_file,
            user=f"{namespace}.{name}",
            token=token.strip(),
        )

    def environment(self) -> dict[str, str]:
        """The variables that tell other programs where everything is. Contains credentials."""
        found = {
            "KUBECONFIG": str(self.kubeconfig),
            "KAPSA_LAB_DIRECTORY": str(self.directory),
            "KAPSA_LAB_API_SERVER": self.api_server.url,
            "KAPSA_LAB_AUDIT_LOG": str(self.audit_log),
            "KAPSA_LAB_KUBECTL": str(self.kubectl_binary),
        }
        if self.gitea is not None:
            found |= {
                "KAPSA_LAB_GITEA_URL": self.gitea.url,
                "KAPSA_LAB_GITEA_USERNAME": self.gitea.username,
                "KAPSA_LAB_GITEA_PASSWORD": self.gitea.password,
                "KAPSA_LAB_GITEA_TOKEN": self.gitea.token,
            }
        if self.registry is not None:
            found |= {
                "KAPSA_LAB_REGISTRY": self.registry.host,
                "KAPSA_LAB_REGISTRY_USERNAME": self.registry.username,
                "KAPSA_LAB_REGISTRY_PASSWORD": self.registry.password,
                "KAPSA_LAB_REGISTRY_PULL_USERNAME": self.registry.pull_username,
                "KAPSA_LAB_REGISTRY_PULL_PASSWORD": self.registry.pull_password,
            }
        if self.routing is not None:
            found |= {
                "KAPSA_LAB_HTTP_PORT": str(self.routing.http_port),
                "KAPSA_LAB_HTTPS_PORT": str(self.routing.https_port),
            }
        return found


def platform_of(site: Site, supervisor: Supervisor) -> Platform:
    """Describes a laboratory whose servers have been started."""
    return Platform(
        kubeconfig=site.kubeconfig,
        api_server=ApiServer(
            apiserver.url(site), apiserver.ca_file(site), site.secret(apiserver.ADMIN)
        ),
        gitea=_gitea(site) if gitea.NAME in site.configured else None,
        registry=_registry(site) if registry.NAME in site.configured else None,
        routing=_routing(site) if traefik.NAME in site.configured else None,
        audit_log=apiserver.audit_log(site),
        directory=site.directory,
        node="real" if node.NAME in site.configured else "simulated",
        address=site.address,
        _site=site,
        _supervisor=supervisor,
    )


def _gitea(site: Site) -> Gitea:
    return Gitea(
        url=gitea.url(site),
        username=gitea.ADMIN,
        password=site.secrets[gitea.PASSWORD],
        token=site.secrets[gitea.TOKEN],
    )


def _routing(site: Site) -> Routing:
    return Routing(site.port(traefik.HTTP_PORT), site.port(traefik.HTTPS_PORT))


def _registry(site: Site) -> Registry:
    return Registry(
        host=site.host(registry.NAME),
        username=registry.PUSH_USER,
        password=site.secret(registry.PUSH_USER),
        pull_username=registry.PULL_USER,
        pull_password=site.secret(registry.PULL_USER),
    )
