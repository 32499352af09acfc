"""Built files on their way to the hub, with real packages."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import koji
import pytest

from koji_adjutant.task_adapters.results import (
    check_srpm_name,
    one_srpm,
    sorted_by_kind,
    write_noarch_hashes,
)
from tests.format6 import BINARY

SPEC = """\
Name: tiny
Version: 1
Release: 1
Summary: tiny
License: MIT
BuildArch: noarch
%description
tiny
%prep
%build
%install
mkdir -p %{buildroot}/usr/share/tiny
echo tiny > %{buildroot}/usr/share/tiny/file
%files
/usr/share/tiny
"""
TAGS = ("packager", "vendor", "distribution")

Build = Callable[..., list[Path]]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def run(*tags: str) -> list[Path]:
        spec = tmp_path / "tiny.spec"
        spec.write_text(SPEC)
        defines = [
            f"_topdir {tmp_path}",
            f"_rpmdir {tmp_path}",
            f"_srcrpmdir {tmp_path}",
            "_rpmfilename %{NVRA}.rpm",
        ]
        defines += [f"{tag} Acme" for tag in tags]
        options = [word for define in defines for word in ("--define", define)]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        subprocess.run(
            ["rpmbuild", "-ba", *options, str(spec)], check=True, env=environment, capture_output=True
        )
        return list(tmp_path.glob("*.rpm"))

    return run


def test_kinds(tmp_path: Path) -> None:
    names = ("b-1-1.src.rpm", "a-1-1.x86_64.rpm", "c-1-1.noarch.rpm", "core")
    files = sorted_by_kind(tmp_path / name for name in names)
    assert [path.name for path in files.rpms] == ["a-1-1.x86_64.rpm", "c-1-1.noarch.rpm"]
    assert [path.name for path in files.srpms] == ["b-1-1.src.rpm"]
    assert [path.name for path in files.unexpected] == ["core"]


def test_a_source_package_with_its_tags_is_kept(build: Build) -> None:
    assert one_srpm(sorted_by_kind(build(*TAGS)), 5).name == "tiny-1-1.src.rpm"


@pytest.mark.parametrize("missing", TAGS)
def test_each_tag_must_be_set(build: Build, missing: str) -> None:
    files = sorted_by_kind(build(*(tag for tag in TAGS if tag != missing)))
    with pytest.raises(koji.BuildError, match=f"failed to set the {missing} tag"):
        one_srpm(files, 5)


def test_there_must_be_one_source_package(tmp_path: Path) -> None:
    with pytest.raises(koji.BuildError, match="no srpm files found for task 5"):
        one_srpm(sorted_by_kind([]), 5)
    two = sorted_by_kind([tmp_path / "a-1-1.src.rpm", tmp_path / "b-1-1.src.rpm"])
    with pytest.raises(koji.BuildError, match="multiple srpm files found"):
        one_srpm(two, 5)


def test_the_name_of_a_source_package_is_its_headers(build: Build) -> None:
    srpm = next(path for path in build() if path.name.endswith(".src.rpm"))
    check_srpm_name(srpm)
    renamed = srpm.rename(srpm.with_name("other-1-1.src.rpm"))
    with pytest.raises(koji.BuildError, match=r"should be tiny-1-1\.src\.rpm"):
        check_srpm_name(renamed)


def test_noarch_packages_are_hashed_by_task(build: Build, tmp_path: Path) -> None:
    files = sorted_by_kind(build())
    written = write_noarch_hashes(files.rpms, 5, tmp_path)
    assert written is not None
    hashes = json.loads(written.read_text())
    assert list(hashes) == ["5"]
    assert list(hashes["5"]) == ["tiny-1-1.noarch.rpm"]
    assert len(hashes["5"]["tiny-1-1.noarch.rpm"]) == 64


def test_what_rpm_6_has_built_is_compared_too_and_is_whole(tmp_path: Path) -> None:
    written = write_noarch_hashes([BINARY], 5, tmp_path)
    assert written is not None
    ((name, digest),) = json.loads(written.read_text())["5"].items()
    assert (name, len(digest)) == (BINARY.name, 64)
    changed = tmp_path / BINARY.name
    changed.write_bytes(BINARY.read_bytes().replace(b"content\0", b"CONTENT\0"))
    with pytest.raises(koji.BuildError, match=r"six-1-1\.noarch\.rpm is not a usable package file"):
        write_noarch_hashes([changed], 5, tmp_path)


def test_without_noarch_packages_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert write_noarch_hashes([tmp_path / "a-1-1.x86_64.rpm"], 5, tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"text", b"\xed\xab\xee\xdb\x03\x00garbage"])
def test_what_is_named_as_a_package_and_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text-1-1.noarch.rpm"
    path.write_bytes(content)
    with pytest.raises(koji.BuildError, match=r"text-1-1\.noarch\.rpm is not a usable package file"):
        write_noarch_hashes([path], 3, tmp_path)
