"""With what builds push, and how long that is good."""

import base64
import json
import re

from kapsa.adapters.clouds.grants import Grant
from kapsa.adapters.clouds.identity import CloudIdentity
from kapsa.adapters.credentials import Credentials
from kapsa.controllers.builds.pushes import Pushes
from kapsa.controllers.registries.access import RegistryAccess
from tests.builders import registry
from tests.fakes import FakeCluster, FakeOutside

HOUR = 3600.0
IMAGE = "acme.cloud.test/acme/shop:1"
ECR = registry("ecr", endpoint="acme.cloud.test", type="ecr")


class Rig:
    """A registry of a cloud, which gives another password each time, for twelve hours."""

    def __init__(self) -> None:
        self.now, self.given = 0.0, 0
        cloud = CloudIdentity(
            "ecr", "aws", re.compile(r".*\.cloud\.test"), self.grant, now=lambda: self.now
        )
        self.access = RegistryAccess(FakeCluster(), "kapsa-system", {"ecr": cloud})
        self.pushes = Pushes(self.access, FakeOutside())

    async def grant(self, _: str) -> Grant:
        self.given += 1
        return Grant(Credentials("AWS", f"p{self.given}"), self.now + 12 * HOUR)

    async def pushed_with(self, seconds: float) -> str:
        """Return the password of a build that may take so many seconds."""
        push = await self.pushes.to(ECR, IMAGE, seconds)
        auth = json.loads(push.docker_config)["auths"]["acme.cloud.test"]["auth"]
        return base64.b64decode(auth).decode().removeprefix("AWS:")

    async def pulled_with(self) -> str:
        credentials = (await self.access.pull(ECR)).credentials
        return credentials.password if credentials else ""


async def test_what_a_cloud_gives_is_good_until_a_build_has_pushed() -> None:
    rig = Rig()
    assert await rig.pushed_with(1500) == "p1"
    rig.now = 12 * HOUR - 1200
    assert await rig.pulled_with() == "p1", "it has twenty minutes yet"
    assert await rig.pushed_with(1500) == "p2"


async def test_it_is_renewed_for_nobody_else() -> None:
    rig = Rig()
    await rig.pulled_with()
    for _ in range(5):
        rig.now += HOUR
        assert await rig.pushed_with(1500) == "p1"
