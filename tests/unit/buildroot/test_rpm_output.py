"""What is quoted of rpm's output."""

import pytest

from koji_adjutant.buildroot.rpm_output import LINE, LINES, RpmOutput
from koji_adjutant.container.interface import Stream


class Log:
    def __init__(self) -> None:
        self.data = b""

    def write(self, stream: Stream, data: bytes) -> None:
        self.data += data


@pytest.mark.parametrize(
    "line",
    [
        "error: unpacking of archive failed on file /usr/bin/x;673: cpio: write failed - No space left on device",
        "error: bad-1-1.x86_64: install failed",
        "error: %prein(bad-1-1.x86_64) scriptlet failed, exit status 1",
        "warning: %post(bad-1-1.x86_64) scriptlet failed, exit status 1",
        "file /usr/bin/x from install of bad-1-1.x86_64 conflicts with file from package good-1-1.x86_64",
        "bad is needed by other-1-1.noarch",
    ],
)
def test_lines_that_name_a_package_are_quoted(line: str) -> None:
    log = Log()
    output = RpmOutput(log)
    said = f"harmless\n\t{line}\nharmless too\n".encode()
    for start in range(0, len(said), 7):
        output.write("stderr", said[start : start + 7])
    assert output.reason == line
    assert log.data == said


def test_what_is_quoted_is_short_and_printable() -> None:
    output = RpmOutput(Log())
    output.write("stderr", b"error: \x1b[31m" + b"x" * 10_000 + b"\n" + b"error: again\n" * 100)
    first, *others = output.reason.split("; ")
    assert len(first) == LINE
    assert "\x1b" not in first
    assert others == ["error: again"] * (LINES - 1)


def test_output_without_lines_is_not_kept() -> None:
    output = RpmOutput(Log())
    for _ in range(100):
        output.write("stdout", b"x" * 100_000)
    assert len(output._partial["stdout"]) < 10_000


def test_the_package_under_way_is_known() -> None:
    output = RpmOutput(Log())
    assert output.package == ""
    output.write(
        "stdout", b"Installing 2 packages\nVerifying...                 ####\nPreparing...          ####\n"
    )
    output.write(
        "stdout", b"Updating / installing...\nfilesystem-3-1                 ####\nbash-5-1          "
    )
    assert output.package == "filesystem-3-1"
    output.write("stdout", b"   ###")
    assert output.package == "bash-5-1"
