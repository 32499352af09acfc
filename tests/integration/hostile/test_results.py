"""What a package leaves where its packages should be, and who is still running when it is done."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import pytest

from tests.integration.hostile.conftest import Hostile, Outcome
from tests.pace import slowness
from tests.waiting import eventually

pytestmark = pytest.mark.podman

LINKS = """
cd %{{_rpmdir}}
ln -s /etc/passwd passwd-1-1.noarch.rpm
ln -s {secret} secret-1-1.noarch.rpm
ln -s ../../../../../../../../.. up-1-1.noarch.rpm
mkfifo pipe-1-1.noarch.rpm
mknod device-1-1.noarch.rpm c 1 3 || echo device refused
echo notes >notes
ln notes -- -rf
echo dots >..dots
"""
FAILING = {
    "newline": (
        """echo >"%{_rpmdir}/$(printf 'new\\012line')-1-1.noarch.rpm" """,
        "'new\\nline-1-1.noarch.rpm'",
    ),
    "option": ("echo >%{_rpmdir}/-rf.rpm", "'-rf.rpm'"),
    "dots": ("mkdir %{_rpmdir}/... && echo >%{_rpmdir}/.../..rpm", "'..rpm'"),
    "escape": (
        """echo >"%{_rpmdir}/$(printf '\\033[31mred')-1-1.noarch.rpm" """,
        "'\\x1b[31mred-1-1.noarch.rpm'",
    ),
    "sparse": (
        "truncate -s 1T %{_rpmdir}/hole-1-1.noarch.rpm",
        "its results cannot be taken: refused to copy",
    ),
    "text": ("echo text >%{_rpmdir}/text-1-1.noarch.rpm", "text-1-1.noarch.rpm is not a usable package file"),
}
SURVIVOR = "sleep 3000.125"
SURVIVORS = f"""
trap '' HUP INT TERM QUIT USR1 USR2 PIPE ALRM
setsid {SURVIVOR} &
setsid {SURVIVOR} >/dev/null 2>&1 </dev/null &
setsid sh -c 'trap "" HUP INT TERM QUIT; while :; do {SURVIVOR}; done' &
echo trying to stay
"""


@pytest.fixture(scope="module")
def outcomes(hostile: Hostile) -> Mapping[str, Outcome]:
    """All of them, a few at a time: a host has room for so many tasks."""
    scripts = {name: script for name, (script, _) in FAILING.items()}
    scripts["links"] = LINKS.format(**hostile.places)
    scripts["survivors"] = SURVIVORS
    # A package of its own, so that there is a result beside the others.
    files = "%global _build_id_links none\n"
    found: dict[str, Outcome] = {}
    for few in batched(scripts, 2):
        started = {name: hostile.start(f"leaves-{name}", scripts[name], head=files) for name in few}
        found |= {name: hostile.done(number) for name, number in started.items()}
    return found


def batched(names: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    rest = iter(names)
    while few := tuple(islice(rest, size)):
        yield few


def packages(made: Outcome) -> list[str]:
    return sorted(path.name for path in made.logs.iterdir() if ".rpm" in path.name)


@pytest.mark.parametrize("name", FAILING)
def test_a_result_that_is_no_package_fails_the_build(outcomes: Mapping[str, Outcome], name: str) -> None:
    made = outcomes[name]
    assert FAILING[name][1] in made.said
    assert packages(made) == []


def test_what_is_neither_file_nor_package_stays_where_it_is(
    hostile: Hostile, outcomes: Mapping[str, Outcome]
) -> None:
    made = outcomes["links"]
    assert made.error is None, made.said
    assert "device refused" in made.log("build.log")
    assert packages(made) == ["leaves-links-1-1.noarch.rpm", "leaves-links-1-1.src.rpm"]
    assert Path(hostile.places["secret"]).read_text() == "nobody else's business"


@pytest.mark.timing
def test_who_stays_goes_with_the_build(outcomes: Mapping[str, Outcome]) -> None:
    made = outcomes["survivors"]
    assert made.error is None, made.said
    assert "trying to stay" in made.log("build.log")
    assert made.task.seconds < 30 * slowness()
    eventually(lambda: not running(SURVIVOR), lambda: f"gone: {running(SURVIVOR)}")


def running(command: str) -> list[str]:
    """Processes of this host that run it."""
    wanted = command.encode().replace(b" ", b"\0")
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in path.read_bytes():
                found.append(path.parent.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def test_others_build_on(hostile: Hostile, outcomes: Mapping[str, Outcome]) -> None:
    assert len(outcomes) == len(FAILING) + 2
    hostile.still_builds()
