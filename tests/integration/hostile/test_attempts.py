"""Code of a package tries to reach what is not its own: in %build as the build user, and as root in a scriptlet.

One build each does all of it; a test each says of an attempt that it was made, and what came of it.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.hostile.attempts import (
    ATTACK,
    BUILD,
    IN_ITS_OWN_LAYER,
    LEAVE,
    SCRIPTLET,
    Result,
    results_in,
)
from tests.integration.hostile.conftest import Hostile, Outcome

pytestmark = pytest.mark.podman

CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")


@pytest.fixture(scope="module")
def build(hostile: Hostile) -> Outcome:
    """A package that tries everything while it is built."""
    words = " ".join(map(hostile.word, BUILD.values()))
    return hostile.build("tries", f"{ATTACK} {words}", "hostile-tools")


@pytest.fixture(scope="module")
def of_build(build: Outcome) -> Mapping[str, Result]:
    return results_in(build.log("build.log"))


@pytest.fixture(scope="module")
def installation(hostile: Hostile) -> Outcome:
    """A package whose BuildRequires tries everything while it is installed, leaving the chroot first."""
    before = CORE_PATTERN.read_bytes()
    made = hostile.build("depends", "true", "hostile-scriptlet")
    assert CORE_PATTERN.read_bytes() == before
    return made


@pytest.fixture(scope="module")
def of_scriptlet(installation: Outcome) -> Mapping[str, Result]:
    return results_in(installation.log("root.log"))


@pytest.mark.parametrize("name", BUILD)
def test_a_build_is_refused(hostile: Hostile, of_build: Mapping[str, Result], name: str) -> None:
    assert of_build[hostile.word(BUILD[name])].how == "refused"


@pytest.mark.parametrize("name", SCRIPTLET)
def test_a_scriptlet_is_refused(hostile: Hostile, of_scriptlet: Mapping[str, Result], name: str) -> None:
    assert of_scriptlet[hostile.word(SCRIPTLET[name])].how == "refused"


def test_a_scriptlet_tries_from_outside_of_its_chroot(of_scriptlet: Mapping[str, Result]) -> None:
    assert of_scriptlet[LEAVE].how == "succeeded"


def test_nobody_came(hostile: Hostile, build: Outcome, installation: Outcome) -> None:
    assert build.error is None
    assert installation.error is None
    assert hostile.listeners.visits == []


def test_what_a_scriptlet_does_to_its_container_goes_with_it(
    hostile: Hostile, of_scriptlet: Mapping[str, Result]
) -> None:
    """Another installation finds the task image's rpm; a build without the package finds nothing of it."""
    assert {of_scriptlet[word].how for word in IN_ITS_OWN_LAYER} == {"succeeded"}
    again = hostile.build("depends-too", "test -x /usr/bin/rpm", "hostile-scriptlet", "hostile-nothing")
    assert again.error is None
    assert results_in(again.log("root.log"))["create=/usr/bin/hostile-token"].how == "succeeded"
    hostile.still_builds(
        f"for name in /hostile-token /usr/bin/hostile-token {ATTACK}; do test ! -e $name; done"
    )
