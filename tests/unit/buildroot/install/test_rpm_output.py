"""What is quoted of rpm's output."""

import pytest

from koji_adjutant.buildroot.install.rpm_output import LINE, LINES, RpmOutput


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
    output = RpmOutput()
    said = f"harmless\n\t{line}\nharmless too\n".encode()
    for start in range(0, len(said), 7):
        output.write("stderr", said[start : start + 7])
    assert output.reason == line


def test_what_is_quoted_is_short_and_printable() -> None:
    output = RpmOutput()
    output.write("stderr", b"error: \x1b[31m" + b"x" * 10_000 + b"\n" + b"error: again\n" * 100)
    first, *others = output.reason.split("; ")
    assert len(first) == LINE
    assert "\x1b" not in first
    assert others == ["error: again"] * (LINES - 1)


def test_output_without_lines_is_not_kept() -> None:
    output = RpmOutput()
    for _ in range(100):
        output.write("stdout", b"x" * 100_000)
    assert len(output._partial["stdout"]) < 10_000


def test_the_package_under_way_is_known() -> None:
    output = RpmOutput()
    assert output.package == ""
    output.write(
        "stdout", b"Installing 2 packages, erasing 1\n1/3 installing filesystem-3-1.noarch\n2/3 insta"
    )
    assert output.package == "filesystem-3-1.noarch"
    output.write("stdout", b"lling bash-1:5-1.x86_64\nuseradd: installing a user\n")
    assert output.package == "bash-1:5-1.x86_64"
    output.write("stdout", b"3/3 erasing dash\n")
    assert output.package == "dash"
