"""What the operator works with that is not its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster
from kapsa.controllers.builds.pushes import Tokens
from kapsa.controllers.builds.source_reader import SourceRepositories
from kapsa.controllers.election import Elector
from kapsa.controllers.projects.polling import DetectingForge, RefSource
from kapsa.controllers.registries.access import Cloud
from kapsa.controllers.registries.images import Resolver
from kapsa.controllers.registries.registry import Verifier


@dataclass(frozen=True)
class Outside:
    """The adapters that the operator works with.

    Attributes:
        cluster: The API; its writes are fenced by `elector`.
        elector: Says when this operator is the active one.
        clock: The API server's time.
        refs: Lists refs of git repositories.
        forge: Lists pull requests.
        registry: Resolves images.
        verifier: Tries credentials of registries.
        tokens: Asks registries for tokens.
        clouds: Give passwords for registries, by `spec.type`.
        repositories: Reads commits.
    """

    cluster: Cluster
    elector: Elector
    clock: ServerClock
    refs: RefSource
    forge: DetectingForge
    registry: Resolver
    verifier: Verifier
    tokens: Tokens
    clouds: Mapping[str, Cloud]
    repositories: SourceRepositories
