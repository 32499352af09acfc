"""The same package, built anywhere of the same distribution, is the same but for time and host."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.platforms.hello import HELLO, compare, compared, differences, facts, read
from tests.platforms.part import PartFailed, Place

SPEC = """
Name: hello
Version: 1.0
Release: 1.md1
Summary: {summary}
License: MIT
%description
%install
mkdir -p %{{buildroot}}/opt
echo {content} >%{{buildroot}}/opt/hello
%files
/opt/hello
"""


def build(
    directory: Path, *, summary: str = "x", content: str = "1", host: str = "one", epoch: int = 1
) -> Path:
    """What a topdir has of a build of hello, by rpmbuild."""
    directory.mkdir()
    (directory / "hello.spec").write_text(SPEC.format(summary=summary, content=content))
    defines = {
        "_topdir": directory,
        "_rpmdir": directory,
        "_buildhost": host,
        "_dbpath": directory / "db",
        "_buildshell": "/bin/bash",
        "use_source_date_epoch_as_buildtime": "1",
    }
    argv = ["rpmbuild", "-bb", "--target=x86_64", "hello.spec"]
    for name, value in defines.items():
        argv += ["--define", f"{name} {value}"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "SOURCE_DATE_EPOCH": str(epoch)}
    subprocess.run(argv, check=True, capture_output=True, cwd=directory, env=environment)
    (directory / "installed_pkgs.log").write_text(
        "glibc-2-1.x86_64 1 2 installed\nbash-5-1.x86_64 1 2 installed\n"
    )
    return directory


def test_time_and_host_make_no_difference(tmp_path: Path) -> None:
    one = facts(build(tmp_path / "one"))
    other = facts(build(tmp_path / "other", host="two", epoch=100_000))
    assert list(differences(one, other)) == []
    assert one["packages"] == ["bash-5-1.x86_64", "glibc-2-1.x86_64"]
    assert one["files"] == ["/opt/hello"]
    assert one["header"]["NAME"] == "hello"


def test_what_else_differs_is_told(tmp_path: Path) -> None:
    one = facts(build(tmp_path / "one"))
    other = facts(build(tmp_path / "other", summary="y", content="2"))
    assert [line.partition(":")[0] for line in differences(one, other)] == ["FILEMD5S", "SUMMARY"]
    less = {**one, "packages": ["bash-5-1.x86_64"], "files": ["/opt/hello", "/opt/more"]}
    assert list(differences(one, less)) == ["packages: glibc-2-1.x86_64", "files: /opt/more"]


def test_a_platform_is_compared_with_those_that_ran_before(tmp_path: Path) -> None:
    own = {"packages": ["a"], "files": ["/f"], "header": {"NAME": "hello"}}
    assert compare("A", own, tmp_path) == ""
    assert compare("B", own, tmp_path) == "hello as on A"
    with pytest.raises(PartFailed, match=r"another than on A: NAME: hallo and hello"):
        compare("C", {**own, "header": {"NAME": "hallo"}}, tmp_path)


def test_a_demo_says_what_became_of_its_hello(tmp_path: Path) -> None:
    own: dict[str, object] = {"packages": [], "files": [], "header": {}}
    said = f"first\n{HELLO}{json.dumps(own)}\nlast\n"
    assert read(said) == own
    with pytest.raises(PartFailed, match="did not say"):
        read("first\n")
    seen = []
    for letter in "AB":
        place = Place(directory=tmp_path / letter / "demo", seconds=60)
        seen.append(compared(letter, lambda place: place.command(["echo", said])[:5])(place))
    assert seen == ["first", "first, hello as on A"]
