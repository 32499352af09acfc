"""BuildRequires of every kind on real containers: what a build has beside its base, and what of it goes."""

import pytest

from tests.integration.requirements.conftest import Wanted

pytestmark = pytest.mark.podman

ROWS: tuple[tuple[str, str, set[str]], ...] = (
    ("and", "(want-flex and want-bison)", {"want-flex", "want-bison"}),
    ("and-there", "(bash and want-bison)", {"want-bison"}),
    ("if-not", "(want-flex if nonexistent-thing)", set()),
    ("if-neither", "(no-such-thing if other-missing-thing)", set()),
    ("if-else", "(want-flex if bash else want-bison)", {"want-flex"}),
    ("brackets", "python3dist(frame[extra])", {"want-frame"}),
)


@pytest.mark.parametrize(("name", "requirement", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_requirement(wanted: Wanted, name: str, requirement: str, expected: set[str]) -> None:
    _, late, gone = wanted.added(wanted.source(f"static-{name}", f"BuildRequires: {requirement}"))
    assert (late, gone) == (expected, set())


def test_requirements_that_the_package_generates(wanted: Wanted) -> None:
    generated = tuple(requirement for _, requirement, _ in ROWS)
    _, late, gone = wanted.added(wanted.source("generated", generated=generated))
    assert (late, gone) == ({"want-flex", "want-bison", "want-frame"}, set())


@pytest.mark.parametrize("kind", ["static", "generated"])
def test_what_is_in_the_way_is_erased_in_the_same_transaction(wanted: Wanted, kind: str) -> None:
    build = "test -e /usr/share/libq/full && test ! -e /usr/share/libq/minimal"
    if kind == "static":
        srpm = wanted.source("erasing", "BuildRequires: libq-devel", build=build)
    else:
        srpm = wanted.source("erasing-late", generated=("libq-devel",), build=build)
    task, late, gone = wanted.added(srpm)
    assert {"libq", "libq-devel"} <= late
    assert gone == {"libq-minimal"}
    log = (wanted.testbed.output(task) / "root.log").read_text()
    # The second of them may have the root from an image.
    assert "erasing libq-minimal" in log or "Remove     libq-minimal-1-1.noarch" in log
    assert "broken in between" not in log


def test_device_nodes_are_left_out(wanted: Wanted) -> None:
    build = "test -d /usr/share/want-devices && test ! -e /opt/want-devices/null"
    task, late, _ = wanted.added(wanted.source("devices", "BuildRequires: want-devices", build=build))
    assert late == {"want-devices"}
    log = (wanted.testbed.output(task) / "root.log").read_text()
    for name in ("null", "loop%0"):
        assert f"/opt/want-devices/{name} of want-devices-1-1." in log


def test_what_nothing_provides_is_named(wanted: Wanted) -> None:
    message, log = wanted.failure(wanted.source("missing", "BuildRequires: python3dist(frame[other])"))
    assert "No matching package to install: 'python3dist(frame[other])'" in message
    assert "No matching package to install: 'python3dist(frame[other])'" in log
