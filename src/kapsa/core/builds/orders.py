"""What is to be built: the values that strategies turn into objects of the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kapsa.models.build import Build


@dataclass(frozen=True)
class BuildSettings:
    """What the admin wants of every build.

    Attributes:
        namespace: Where builds are.
        buildkit_image: The image with rootless BuildKit.
        kpack_builder_image: The builder of those who name none.
        limits: The most that one build may use, by resource.
    """

    namespace: str
    buildkit_image: str
    kpack_builder_image: str
    limits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """Whose build it is.

    Attributes:
        namespace: Namespace of the Project.
        project: Its name.
        uid: Its UID.
        environment: Name of the Environment that wants the image; the first, where several do.
    """

    namespace: str
    project: str
    uid: str
    environment: str


@dataclass(frozen=True)
class BuildOrder:
    """One build: the same values give the same objects.

    Attributes:
        name: Name of the objects: a DNS label, different for each Project, key and attempt.
        key: What is built, as `kapsa.core.builds.keys.build_key` says it.
        attempt: 1 for the first; of each further one the name is another.
        requested_at: The `requestedAt` for which it is tried anew; nothing for a first try.
        origin: Whose build it is.
        repository: Address of the git repository, without user or password.
        commit: The commit, as its full object name.
        build: What the Project says about the build.
        image: Where it is pushed: `host[:port]/path:tag`.
        cache: Where BuildKit's cache is kept: `host[:port]/path:tag`; nothing for none.
        insecure: Whether the registry speaks plain http.
        with_ca: Whether the registry is known by certificates of its own.
        with_git_credentials: Whether the repository asks for credentials.
        timeout: Seconds that the build may take.
        settings: What the admin wants.
    """

    name: str
    key: str
    attempt: int
    requested_at: str
    origin: Origin
    repository: str
    commit: str
    build: Build
    image: str
    cache: str
    insecure: bool
    with_ca: bool
    with_git_credentials: bool
    timeout: int
    settings: BuildSettings


@dataclass(frozen=True, repr=False)
class BuildSecrets:
    """What a build may know and nobody else.

    Attributes:
        git_username: User of the repository; nothing without credentials.
        git_password: Password or token of the repository.
        docker_config: A `config.json` with the credential for the registry.
        ca: Certificates (PEM) that the registry is known by; nothing for the public ones.
        values: All that must not show in a log.
    """

    git_username: str = ""
    git_password: str = ""
    docker_config: str = ""
    ca: str = ""
    values: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "BuildSecrets(hidden)"
