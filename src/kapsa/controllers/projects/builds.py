"""One look at what a Project needs built: for each environment its image, or why it has none."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from kapsa.controllers.projects.inputs import Surroundings
from kapsa.core import labels
from kapsa.core.builds import obstacles
from kapsa.core.builds.keys import (
    build_key,
    is_built_so,
    key_of,
    reference_of,
    source_digest,
)
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.orders import Origin
from kapsa.core.builds.queue import Interest
from kapsa.core.builds.source import Source
from kapsa.core.builds.summary import BuildSummary
from kapsa.core.builds.wants import Want, newest, next_attempt
from kapsa.core.conditions import Blocked
from kapsa.core.images.repositories import build_repository
from kapsa.core.projects.naming import is_preview
from kapsa.core.projects.plans import DesiredEnvironment
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry


class Sources(Protocol):
    """Reads repositories."""

    async def read(self, project: Project, commit: str) -> Source | Blocked:
        """Return the source of a commit, or why it can't be read."""


class Lookup(Protocol):
    """Looks up images; see `kapsa.controllers.registries.images.Images`."""

    async def resolve(
        self, reference: str, registry: Registry | None, *, project: str
    ) -> str | Blocked:
        """Return the image of a tag by its digest, or why there is none."""


class Known(Protocol):
    """What is known of builds; see `kapsa.controllers.builds.builds.Builds`."""

    namespace: str

    async def attempts(self, project: Project, key: str) -> tuple[LiveBuild, ...]:
        """Return all attempts of a build, with why they failed."""

    def obstacle(self, uid: str, key: str) -> Blocked | None:
        """Return why a build can't begin."""


@dataclass
class ProjectBuilds:
    """What one look at a Project finds out about the images that Kapsa builds.

    Attributes:
        project: The Project.
        around: Its Registry.
        sources: Reads repositories.
        lookup: Looks up images.
        known: What is known of builds.
        wants: What was found to be built.
        keys: What the environments are to run, built or not.
        decided: Names and commits of the environments of which that is known.
        failures: Why images can't be built.
        underway: How many images are being built, or wait for that.
    """

    project: Project
    around: Surroundings
    sources: Sources
    lookup: Lookup
    known: Known
    wants: list[Want] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    decided: set[tuple[str, str]] = field(default_factory=set)
    failures: list[Blocked] = field(default_factory=list)
    underway: int = 0

    async def reference(
        self, desired: DesiredEnvironment, existing: Environment | None
    ) -> str | Blocked:
        """Return the tag that the image of a desired Environment has, built or not."""
        repository = self._repository()
        if isinstance(repository, Blocked):
            return repository
        build = self.project.spec.build
        reference = _known_reference(desired, existing)
        if not is_built_so(reference, repository, build):
            source = await self.sources.read(self.project, desired.commit)
            if isinstance(source, Blocked):
                return source
            digest = source_digest(source.tree, source.files, build)
            reference = reference_of(repository, build_key(build, digest))
        self.keys.add(key_of(reference))
        self.decided.add((desired.name, desired.commit))
        return reference

    async def image(
        self, desired: DesiredEnvironment, existing: Environment | None, reference: str
    ) -> str | Blocked:
        """Return the image by its digest, or why there is none yet; then it is wanted."""
        attempts = await self.known.attempts(self.project, key_of(reference))
        last = newest(attempts)
        if last is not None and last.state == BuildState.RUNNING:
            self.underway += 1
            return obstacles.building(last, self.known.namespace)
        if last is not None and last.digest and not self.is_asked:
            return f"{reference.rpartition(':')[0]}@{last.digest}"
        if last is None or last.state == BuildState.SUCCEEDED or self.is_asked:
            uid = self.project.metadata.uid
            found = await self.lookup.resolve(reference, self.around.registry, project=uid)
            if isinstance(found, str) or found.reason != Reason.IMAGE_NOT_FOUND:
                return found
        return await self._begin(desired, existing, reference, attempts)

    async def _begin(
        self,
        desired: DesiredEnvironment,
        existing: Environment | None,
        reference: str,
        attempts: tuple[LiveBuild, ...],
    ) -> Blocked:
        """Want a build of what isn't there, where it has a chance; return why there is no image."""
        attempt = next_attempt(attempts, self._requested_at)
        last = newest(attempts)
        if attempt is None and last is not None:
            if last.state == BuildState.SUCCEEDED:
                return obstacles.vanished(last, reference)
            return self._failed(obstacles.failed(last, self.known.namespace))
        assert attempt is not None
        if attempt.number == 1:
            source = await self.sources.read(self.project, desired.commit)
            if isinstance(source, Blocked):
                return source
            if obstacles.wants_no_build(source.message):
                return obstacles.skipped(desired.commit)
        meta, key = self.project.metadata, key_of(reference)
        self.wants.append(
            Want(
                origin=Origin(meta.namespace, meta.name, meta.uid, desired.name),
                key=key,
                commit=desired.commit,
                image=reference,
                is_preview=is_preview(desired.identity),
                since=existing.metadata.creation_timestamp if existing else "",
                attempt=attempt.number,
                requested_at=attempt.requested_at,
                not_before=attempt.not_before,
            )
        )
        obstacle = self.known.obstacle(meta.uid, key)
        if obstacle is not None:
            return self._failed(obstacle)
        self.underway += 1
        return obstacles.queued(desired.commit)

    def undecided(self, environments: Iterable[DesiredEnvironment]) -> frozenset[str]:
        """Return the names of those environments of which it isn't known what they are to run."""
        return frozenset(
            item.name
            for item in environments
            if item.target.image is None and (item.name, item.commit) not in self.decided
        )

    def interest(self, environments: frozenset[str], remembered: frozenset[str]) -> Interest:
        """Return what the Project says of its builds.

        Args:
            environments: Names of its Environments.
            remembered: What was built for those of which it isn't known now what they are to run:
                that must not be forgotten, or what failed would be built again.
        """
        return Interest(tuple(self.wants), remembered | self.keys, environments)

    @property
    def summary(self) -> BuildSummary:
        """What the Project's status says of its builds."""
        return BuildSummary(next(iter(self.failures), None), self.underway)

    @property
    def is_asked(self) -> bool:
        """Whether a person has asked for a look, and it isn't handled yet."""
        return self._requested_at not in {"", self.project.status.last_handled_requested_at}

    @property
    def _requested_at(self) -> str:
        return labels.requested_at(self.project.metadata.annotations)

    def _failed(self, why: Blocked) -> Blocked:
        self.failures.append(why)
        return why

    def _repository(self) -> str | Blocked:
        return build_repository(self.project, self.around.registry_problem or self.around.registry)


def _known_reference(desired: DesiredEnvironment, existing: Environment | None) -> str:
    """Return the tag that was found for the same commit before; nothing where that isn't known."""
    if existing is None or existing.spec.commit != desired.commit:
        return ""
    return existing.metadata.annotations.get(labels.IMAGE_REFERENCE, "")
