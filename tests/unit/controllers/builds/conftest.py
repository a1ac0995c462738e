"""What the tests of builds have in common."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.controllers.build_rig import BuildRig
from tests.unit.controllers.virtual_time import cancel


@pytest.fixture
async def rig() -> AsyncIterator[BuildRig]:
    made = BuildRig()
    yield made
    await cancel(made.task)
