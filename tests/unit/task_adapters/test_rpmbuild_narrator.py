"""What the scripts of a build say, and which log it goes to."""

from pathlib import Path
from typing import Any, cast

import pytest

from koji_adjutant.errors import BuildFailed
from koji_adjutant.journal.phases import Phase
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.rpmbuild import (
    MESSAGES_LIMIT,
    MOST_STEPS,
    REQUIRES_COUNT,
    REQUIRES_LIMIT,
    TURN,
    Narrator,
)
from tests.unit.task_adapters.build_task import Events, LogTexts, quiet_context


@pytest.fixture
def ctx(tmp_path: Path) -> TaskContext:
    return quiet_context(tmp_path)


def test_output_goes_to_the_log_of_its_phase(ctx: TaskContext) -> None:
    logs = LogTexts()
    narrator = Narrator(ctx, cast("Any", logs))
    narrator.works_in("c", "root.log")
    narrator.write("stderr", b"phase un")
    narrator.write("stderr", b"pack\n")
    narrator.write("stdout", b"unpacking\n")
    narrator.write("stderr", b"phase rpmbuild-bs\nsource hello-1-1.src.rpm\n")
    narrator.write("stdout", TURN + b"Wrote: x\n")
    narrator.write("stderr", b"result rpmbuild-bs 1\n")
    assert logs.texts["root.log"] == "unpacking\n"
    assert logs.texts["build.log"] == "Wrote: x\n"
    assert (narrator.source, narrator.result, narrator.log_of_failure) == (
        "hello-1-1.src.rpm",
        "rpmbuild-bs 1",
        "build.log",
    )
    states = [line.split(" - ")[1] for line in logs.texts["state.log"].splitlines()]
    assert states == ["Start: unpack", "Finish: unpack", "Start: rpmbuild-bs", "Finish: rpmbuild-bs"]
    assert cast("Events", ctx.journal).phases == [(Phase.RPMBUILD_STARTED, "rpmbuild-bs")]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("is_ahead", [False, True])
def test_a_log_is_whole_whichever_stream_is_ahead(ctx: TaskContext, size: int, *, is_ahead: bool) -> None:
    """On a busy machine all of one stream may be there before anything of the other."""
    logs = LogTexts()
    narrator = Narrator(ctx, cast("Any", logs))
    narrator.works_in("c", "root.log")
    told = b"phase unpack\nphase rpmbuild-bs\nresult rpmbuild-bs 1\n"
    said = b"unpacking \0build.log\n" + TURN + b"error: \0b" + TURN
    if is_ahead:
        narrator.write("stderr", told)
    for begin in range(0, len(said), size):
        narrator.write("stdout", said[begin : begin + size])
    if not is_ahead:
        narrator.write("stderr", told)
    narrator.has_worked()
    assert logs.texts["root.log"] == "unpacking \0build.log\n"
    assert logs.texts["build.log"] == "error: \0b" + TURN.decode()
    assert narrator.log_of_failure == "build.log"


def test_what_began_as_a_turn_and_was_none_is_kept(ctx: TaskContext) -> None:
    logs = LogTexts()
    narrator = Narrator(ctx, cast("Any", logs))
    narrator.works_in("c", "root.log")
    narrator.write("stdout", b"cut off: \0build")
    narrator.has_worked()
    assert logs.texts["root.log"] == "cut off: \0build"


def test_what_only_looks_like_the_script_fills_no_journal(ctx: TaskContext) -> None:
    logs = LogTexts()
    narrator = Narrator(ctx, cast("Any", logs))
    narrator.write("stderr", b"phase anything\nphase \xff\n" + b"phase rpmbuild-bb\n" * 5000)
    assert len(cast("Events", ctx.journal).phases) < MESSAGES_LIMIT
    narrator.write("stderr", b"x" * 200_000)
    assert len(narrator._partial) < 200_000


def test_a_source_package_that_cannot_be_unpacked_is_explained_in_root_log(ctx: TaskContext) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.works_in("c", "root.log")
    narrator.write("stderr", b"phase unpack\nresult unpack\n")
    assert narrator.log_of_failure == "root.log"


def test_requirements_are_those_of_the_last_source_package(ctx: TaskContext) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stderr", b"source a.src.rpm\nrequire gcc >= 4\nrequire (a or b)\n")
    assert narrator.requires == ["gcc >= 4", "(a or b)"]
    narrator.write("stderr", b"source b.src.rpm\n" + b"require x\n" * 10_000)
    assert narrator.requires == ["x"] * 10_000


def test_endless_empty_requirements_are_refused(ctx: TaskContext) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stderr", b"source a.src.rpm\n")
    narrator.write("stderr", b"require \n" * REQUIRES_COUNT)
    assert len(narrator.requires) == REQUIRES_COUNT
    with pytest.raises(BuildFailed, match=f"more than {REQUIRES_COUNT}"):
        narrator.write("stderr", b"source a.src.rpm\nrequire \n")


def test_endless_requirements_are_refused(ctx: TaskContext) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    line = b"require " + b"x" * 50_000 + b"\n"
    with pytest.raises(BuildFailed, match="BuildRequires"):
        for _ in range(REQUIRES_LIMIT // 50_000 + 1):
            narrator.write("stderr", line)


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ("rpmbuild-bb 1", 1),
        ("rpmbuild-ba 11", 11),
        ("rpmbuild-br 1", 10),
        ("unpack", 40),
        ("srpm", 40),
        ("rpmbuild-bb 99999", 1),
        ("", 1),
    ],
)
def test_a_build_that_fails_ends_as_mocks_does(ctx: TaskContext, result: str, status: int) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stderr", f"result {result}\n".encode())
    assert narrator.status == status


def test_steps_of_rpmbuild_are_told_as_they_begin(ctx: TaskContext) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stderr", b"phase rpmbuild-bb\n")
    narrator.write("stdout", b"+ echo Executing(%build): no\nExecuting(%pr")
    narrator.write("stdout", b"ep): /bin/sh -e x\nExecuting(%build): /bin/sh\n")
    narrator.write("stdout", b"cc\nProcessing files: a-1-1\nProcessing files: b-1-1\n")
    commands = [command for _, command in cast("Events", ctx.journal).phases]
    assert commands == ["rpmbuild-bb", "prep", "build", "package"]


FAILED_CHECKS = {
    "4.18.0": """\
Executing(%install): /bin/sh -e /var/tmp/rpm-tmp.tMyUMF
Executing(%check): /bin/sh -e /var/tmp/rpm-tmp.xBw0II
+ exit 3
error: Bad exit status from /var/tmp/rpm-tmp.xBw0II (%check)

RPM build errors:
    Bad exit status from /var/tmp/rpm-tmp.xBw0II (%check)
""",
    "4.20.1": """\
Executing(%mkbuilddir): /bin/sh -e /mnt/t/rpm-tmp.hFlrGm
Executing(%check): /bin/sh -e /mnt/t/rpm-tmp.wp3UI8
+ exit 3
error: Bad exit status from /mnt/t/rpm-tmp.wp3UI8 (%check)

RPM build warnings:

RPM build errors:
    Could not canonicalize hostname: vm
    Bad exit status from /mnt/t/rpm-tmp.wp3UI8 (%check)
""",
    "6.1.0": """\
Executing(mkbuilddir): /bin/sh -e /var/tmp/rpm-tmp.It8LfK
Executing(%check): /bin/sh -e /var/tmp/rpm-tmp.FISa0v
checked
error: Bad exit status from /var/tmp/rpm-tmp.FISa0v (%check)

RPM build warnings:
    Could not canonicalize hostname: vm

RPM build errors:
    Bad exit status from /var/tmp/rpm-tmp.FISa0v (%check)
""",
}
"""What rpmbuild of these versions says."""


@pytest.mark.parametrize("size", [7, 1000])
@pytest.mark.parametrize("version", FAILED_CHECKS)
def test_a_check_that_fails_is_named_whatever_rpmbuild_it_is(
    ctx: TaskContext, version: str, size: int
) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    said = FAILED_CHECKS[version].encode()
    narrator.write("stderr", b"phase rpmbuild-bb\n")
    narrator.write("stdout", said[:100])
    # What comes on the other stream may be ahead.
    narrator.write("stderr", b"result rpmbuild-bb 1\n")
    for begin in range(100, len(said), size):
        narrator.write("stdout", said[begin : begin + size])
    assert (narrator.status, narrator.place_of_failure) == (1, "%check")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"+ echo error: Bad exit status from x (%check)\n",
        b"error: Bad exit status from x (%magic)\n",
        b"error: File not found: x\n",
    ],
)
def test_what_is_no_section_is_the_build(ctx: TaskContext, said: bytes) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stderr", b"phase rpmbuild-ba\n")
    narrator.write("stdout", said)
    assert narrator.place_of_failure == "the build"


def test_a_section_that_fails_before_its_phase_is_told_is_named(ctx: TaskContext) -> None:
    """A short build on a busy machine: all of one stream is there before anything of the other."""
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stdout", FAILED_CHECKS["4.18.0"].encode())
    narrator.write("stderr", b"phase rpmbuild-bb\nresult rpmbuild-bb 1\n")
    assert narrator.place_of_failure == "%check"


def test_a_package_that_says_so_makes_no_more_than_some_steps(ctx: TaskContext) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stderr", b"phase rpmbuild-bb\n")
    narrator.write("stdout", b"Executing(%prep): x\nExecuting(%build): x\n" * 10_000)
    assert len(cast("Events", ctx.journal).phases) <= 1 + MOST_STEPS
