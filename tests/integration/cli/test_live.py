"""Status and logs of a host while something happens on it."""

from collections.abc import Iterator

import pytest

from koji_adjutant.journal import public
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import Phase
from koji_adjutant.journal.state import JOURNAL
from tests.fakes.journals import Sample
from tests.fakes.public_facts import host_facts
from tests.integration.cli.conftest import PROGRAM
from tests.integration.cli.terminal import OnTerminal, on_terminal

SCREEN, SCREEN_ENDS = "\x1b[?1049h", "\x1b[?1049l"


@pytest.fixture
def following(sample: Sample) -> Iterator[OnTerminal]:
    words = ("logs", str(sample.running), "-f", "--state-dir", str(sample.state_dir))
    with on_terminal([*PROGRAM, *words]) as found:
        found.wait_for("make[1]: step 399")
        yield found


def write(sample: Sample, name: str, content: bytes) -> None:
    with (public.logs_directory(sample.state_dir, sample.running) / name).open("ab") as log:
        log.write(content)


def end(sample: Sample, phase: Phase) -> None:
    FileJournal(sample.state_dir / JOURNAL).record(phase, task=sample.running)


@pytest.mark.parametrize(("phase", "code"), [(Phase.CLOSED, 0), (Phase.FAILED, 1), (Phase.CANCELED, 3)])
def test_logs_are_followed_to_the_end_of_the_task(
    sample: Sample, following: OnTerminal, phase: Phase, code: int
) -> None:
    write(sample, "build.log", b"\x1b[31mfresh\x1b[0m\x1b]0;title\x07\nrest")
    said = following.wait_for("fresh")
    assert "\x1b[31mfresh\x1b[0m\\x1b]0;title\\x07" in said
    assert "rest" not in said
    end(sample, phase)
    assert following.exit_code() == code
    assert following.said().rstrip().endswith("rest")


def test_following_can_be_interrupted(following: OnTerminal) -> None:
    following.interrupt()
    assert following.exit_code() == 0
    assert "Traceback" not in following.said()


def test_the_screen_changes_with_the_host(sample: Sample) -> None:
    with on_terminal([*PROGRAM, "status", "--watch", "--state-dir", str(sample.state_dir)]) as watching:
        assert SCREEN in watching.wait_for("builder-01.example.org takes tasks")
        facts = host_facts(sample.now, ready=False, obstacle="load", reason="load is 99")
        public.write_facts(public.public_directory(sample.state_dir) / public.HOST, facts)
        watching.wait_for("the load average of the machine is too high (load is 99)")
        watching.interrupt()
        assert watching.exit_code() == 1
        assert SCREEN_ENDS in watching.said()
        assert "Traceback" not in watching.said()
