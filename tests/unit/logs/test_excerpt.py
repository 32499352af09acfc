"""What a log says of a failure, however hostile it is."""

import json
import time
from pathlib import Path

import pytest

from koji_adjutant.journal.file import LINE_LIMIT
from koji_adjutant.logs.excerpt import LAST_LINES, LINE, SEARCHED, LastWords, excerpt_of, reason_in


@pytest.mark.parametrize(
    "line",
    [
        "main.c:12:5: error: expected ';'",
        "/usr/include/x.h:1: fatal error: y.h: No such file or directory",
        "error: Bad exit status from /var/tmp/rpm-tmp.x (%build)",
        "error[E0308]: mismatched types",
        "collect2: error: ld returned 1 exit status",
        "/usr/bin/ld: main.o: undefined reference to `f'",
        "RPM build errors:",
        "make[2]: *** [Makefile:4: all] Error 2",
        "CMake Error at CMakeLists.txt:3 (find_package):",
        "Error: Unable to find a match: nothing",
        " Problem: nothing provides x needed by y",
    ],
)
def test_a_line_that_is_a_reason(line: str) -> None:
    text = f"checking for error: no\n-Werror is used\n0 errors\n{line}\nerror: another\n"
    assert reason_in(text.encode()) == line


@pytest.mark.parametrize(
    "line",
    [
        "+ echo 'main.c:3:7: error: no'",
        "no error here",
        "-Werror=format",
        "test_error.c compiled",
        "all is well",
    ],
)
def test_a_line_that_is_none(line: str) -> None:
    assert not reason_in(f"{line}\n".encode())


def test_colours_hide_no_reason() -> None:
    coloured = b"\x1b[01m\x1b[Kmain.c:1:2:\x1b[m\x1b[K \x1b[01;31m\x1b[Kerror: \x1b[m\x1b[Kno\n"
    assert reason_in(coloured) == "main.c:1:2: error: no"


def test_the_first_of_a_long_log_and_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    filling = b"gcc -c file.c\n" * 200_000
    log.write_bytes(
        filling + b"a.c:1:1: error: first\n" + filling + b"b.c:2:2: error: second\n" + b"x\n" * 30
    )
    found = excerpt_of("build.log", log)
    assert found is not None
    assert found.first_error_line == "a.c:1:1: error: first"
    assert found.last_lines == ("x",) * LAST_LINES


@pytest.mark.timing
@pytest.mark.parametrize(
    "piece",
    [b"error", b"error: error\n", b"*** ", b"\n", b"a: ", b"x" * 700 + b"error", b"\x1b[31", b":1:1:error\n"],
)
def test_a_hostile_log_takes_no_time_and_fits_into_an_event(tmp_path: Path, piece: bytes) -> None:
    log = tmp_path / "build.log"
    log.write_bytes(piece * (SEARCHED // len(piece)) + b"\x00\x1b" * 5000)
    began = time.process_time()
    found = excerpt_of("build.log", log)
    assert time.process_time() - began < 20
    assert found is not None
    assert len(found.first_error_line) <= LINE
    assert len(json.dumps(found.details())) < LINE_LIMIT - 8192


def test_only_a_log_that_the_error_names_is_read(tmp_path: Path) -> None:
    (tmp_path / "root.log").write_text("Problem: nothing provides x\n")
    words = LastWords()
    words.take(ValueError("it has failed"), ("root.log",), tmp_path.joinpath)
    assert words.details() == {}
    words.take(ValueError("see ../../etc/passwd.log"), ("root.log",), tmp_path.joinpath)
    words.take(ValueError("see other.log for more information"), ("root.log",), tmp_path.joinpath)
    assert words.details() == {}
    words.take(ValueError("failed; see root.log for more information"), ("root.log",), tmp_path.joinpath)
    assert words.details() == {
        "log": "root.log",
        "first_error_line": "Problem: nothing provides x",
        "last_lines": ["Problem: nothing provides x"],
    }


def test_a_log_that_is_gone_says_nothing(tmp_path: Path) -> None:
    assert excerpt_of("build.log", tmp_path / "build.log") is None
