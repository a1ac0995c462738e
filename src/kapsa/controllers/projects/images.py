"""The images of one Project's environments, whether CI has pushed them or Kapsa builds them."""

from dataclasses import dataclass, field

from kapsa.controllers.projects.builds import ProjectBuilds
from kapsa.controllers.projects.inputs import Surroundings
from kapsa.controllers.registries.images import Images
from kapsa.core.conditions import Blocked
from kapsa.core.projects.images import choose_image, remembered_image
from kapsa.core.projects.plans import DesiredEnvironment
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.project_status import Available
from kapsa.models.reasons import Reason


@dataclass(frozen=True)
class FoundImage:
    """The image of an environment.

    Attributes:
        image: The image by its digest, or why there is none.
        reference: The tag that it was, or is being, looked up by; nothing for none.
        trouble: Why the last look found none, or there was none, where the image of before is kept.
    """

    image: str | Blocked
    reference: str = ""
    trouble: Blocked | None = None

    @property
    def obstacle(self) -> Blocked | None:
        """Why the last look found none; None where it did, or none was needed."""
        return self.image if isinstance(self.image, Blocked) else self.trouble


@dataclass(frozen=True)
class ProjectImages:
    """Finds images, for one look at a Project.

    Attributes:
        project: The Project.
        around: Its Registry.
        images: Looks up images.
        builds: Has images built; None where CI does that.
        poll_interval: Seconds between two looks at a tag that may move.
        next_looks: Seconds until such tags are due to be looked up again.
    """

    project: Project
    around: Surroundings
    images: Images
    builds: ProjectBuilds | None = None
    poll_interval: float = 0.0
    next_looks: list[float] = field(default_factory=list)

    async def of(
        self,
        desired: DesiredEnvironment,
        existing: Environment | None,
        offered: Available | None = None,
    ) -> FoundImage:
        """Return the image that an environment should run.

        Args:
            desired: What should run.
            existing: The Environment; None where there is none, or where this is but an offer.
            offered: What was offered before.
        """
        built: str | Blocked | None = None
        if self.builds is not None and desired.target.image is None:
            built = await self.builds.reference(desired, existing)
        choice = choose_image(self.project, desired, existing, built)
        is_looked_for_anew = isinstance(built, str) and self.builds and self.builds.is_asked
        if choice.image is not None and not is_looked_for_anew:
            return FoundImage(choice.image, choice.reference, choice.trouble)
        if isinstance(choice.image, str):
            found = await self._found_anew(choice.image, choice.reference)
            if found is not None:
                return found
        known = remembered_image(offered, desired.commit, choice.reference)
        if choice.follows_tag:
            return await self._follow(choice.reference, desired.commit, known or choice.kept)
        image = known or await self._look_up(desired, existing, choice.reference)
        return FoundImage(image, choice.reference)

    async def _found_anew(self, known: str, reference: str) -> FoundImage | None:
        """Return an image that was found before: the same where the registry doesn't say.

        It is None where the registry does not have it any more.
        """
        image = await self._resolve(reference)
        if isinstance(image, str):
            return FoundImage(image, reference)
        is_absent = image.reason == Reason.IMAGE_NOT_FOUND
        return None if is_absent else FoundImage(known, reference, image)

    async def _follow(self, reference: str, commit: str, kept: str) -> FoundImage:
        """Return what a tag names that may move, or else the image that it named before."""
        registry = self.around.registry
        image: str | Blocked | None = self.around.registry_problem
        if image is None:
            uid = self.project.metadata.uid
            image = await self.images.resolve(
                reference, registry, project=uid, commit=commit, good_for=self.poll_interval
            )
            look = self.images.next_look(reference, registry, project=uid, commit=commit)
            self.next_looks.append(look)
        if isinstance(image, Blocked) and kept:
            return FoundImage(kept, reference, image)
        return FoundImage(image, reference)

    async def _look_up(
        self, desired: DesiredEnvironment, existing: Environment | None, reference: str
    ) -> str | Blocked:
        if self.around.registry_problem is not None:
            return self.around.registry_problem
        if self.builds is not None:
            return await self.builds.image(desired, existing, reference)
        return await self._resolve(reference)

    async def _resolve(self, reference: str) -> str | Blocked:
        uid = self.project.metadata.uid
        return await self.images.resolve(reference, self.around.registry, project=uid)
