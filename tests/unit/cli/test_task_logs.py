"""`koji-adjutant logs`, on the files of a host with a past."""

import io
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from koji_adjutant.cli.commands import main
from koji_adjutant.cli.log_tails import LONGEST_LINE, Printer, Tails
from koji_adjutant.journal import public
from tests.fakes.journals import Sample, write_sample


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return write_sample(tmp_path / "state")


def logs(sample: Sample, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["logs", *words, "--state-dir", str(sample.state_dir)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_all_logs_each_below_its_name(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = logs(sample, capsys, str(sample.closed))
    assert code == 0
    assert out.startswith("==> build.log <==\nmake[1]: step 0\n")
    assert out.endswith("\n\n==> root.log <==\nInstall bash-5.2-1.x86_64\n")


def test_one_log_without_a_name(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    assert logs(sample, capsys, str(sample.closed), "root.log") == (0, "Install bash-5.2-1.x86_64\n", "")


def test_which_logs_there_are(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = logs(sample, capsys, str(sample.closed), "--list")
    assert code == 0
    assert [line.split()[-1] for line in out.splitlines()] == ["build.log", "root.log"]


@pytest.mark.parametrize(
    ("name", "code"), [("closed", 0), ("failed", 1), ("canceled", 3), ("refused", 4), ("freed", 4)]
)
def test_following_says_how_a_task_ended(
    sample: Sample, capsys: pytest.CaptureFixture[str], name: str, code: int
) -> None:
    task: int = getattr(sample, name)
    assert logs(sample, capsys, str(task), "--follow")[0] == code
    assert logs(sample, capsys, str(task))[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("4711",), "task 4711 is not known in "),
        (("203", "../../journal"), "task 203 has no log '../../journal'; it has: build.log, root.log\n"),
        (("251", "build.log"), "task 251 has no log 'build.log'; it has: none\n"),
    ],
)
def test_what_there_is_not(
    sample: Sample, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    code, out, err = logs(sample, capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"koji-adjutant: error: {said}")


def test_a_task_that_is_no_number(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        logs(sample, capsys, "hello")
    assert ended.value.code == 2


def test_a_hostile_log_is_shown_and_not_obeyed(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    path = public.logs_directory(sample.state_dir, sample.closed) / "root.log"
    path.write_bytes(b"\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[8mhidden \xff\x9b\r\nnext\rover")
    code, out, _ = logs(sample, capsys, str(sample.closed), "root.log")
    assert code == 0
    assert out == "red \\x1b]0;title\\x07hidden \\xff\\x9b\nnext\\rover\n"


# Lines as they come


def tails(stack: ExitStack, directory: Path, name: str | None = None) -> Tails:
    def opened(name: str) -> int | None:
        path = directory / name
        return os.open(path, os.O_RDONLY) if path.exists() else None

    return Tails(opened, name, stack)


def test_a_line_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    with ExitStack() as stack, log.open("ab", buffering=0) as written:
        found = tails(stack, tmp_path)

        def new(*, is_complete: bool = False) -> list[str]:
            return [line for _, line in found.new_lines(["build.log"], is_complete=is_complete)]

        assert new() == []
        written.write(b"one\ntw")
        assert new() == ["one"]
        written.write(b"o\nthree")
        assert new() == ["two"]
        assert new(is_complete=True) == ["three"]
        assert new(is_complete=True) == []


def test_a_line_that_does_not_end_is_shown_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "build.log").write_bytes(b"x" * (3 * LONGEST_LINE))
    with ExitStack() as stack:
        lines = [line for _, line in tails(stack, tmp_path).new_lines(["build.log"], is_complete=False)]
    assert sum(map(len, lines)) >= 2 * LONGEST_LINE
    assert max(map(len, lines)) <= 3 * LONGEST_LINE


def test_a_log_that_comes_later(tmp_path: Path) -> None:
    with ExitStack() as stack:
        found = tails(stack, tmp_path, "build.log")
        assert list(found.new_lines(["root.log"], is_complete=False)) == []
        (tmp_path / "build.log").write_bytes(b"late\n")
        assert list(found.new_lines(["root.log", "build.log"], is_complete=False)) == [("build.log", "late")]


def test_colours_are_for_terminals() -> None:
    output = io.StringIO()
    Printer(output, is_terminal=True, has_headings=False).write("build.log", "\x1b[31mred")
    Printer(output, is_terminal=False, has_headings=False).write("build.log", "\x1b[31mred")
    assert output.getvalue() == "\x1b[31mred\x1b[0m\nred\n"
