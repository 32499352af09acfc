"""The source packages before they are packed."""

import gzip
import io
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.recipe import DATA
from koji_adjutant.testbed.distribution.source_packages import (
    prepare,
    source_names,
    spec_version,
    tarball,
    upstream_version,
)

NAMES = ["chatty", "dynreqs", "failing", "hello", "long", "needsdeps", "nettry", "noarch", "scriptlets"]


def test_every_source_package_is_there() -> None:
    assert source_names() == NAMES


def test_tarball_is_the_same_every_time(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("second")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "c").write_text("first")
    made = tarball(tmp_path, "top-1.0")
    (tmp_path / "b").touch()
    assert tarball(tmp_path, "top-1.0") == made
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(made))) as tar:
        assert tar.getnames() == ["top-1.0/a/c", "top-1.0/b"]


def test_sources_are_laid_out(tmp_path: Path) -> None:
    prepare("hello", tmp_path / "hello", Archive(tmp_path / "archive"))
    assert (tmp_path / "hello" / "SPECS" / "hello.spec").read_text().startswith("Name: hello\n")
    with tarfile.open(tmp_path / "hello" / "SOURCES" / "hello-1.0.tar.gz") as tar:
        assert tar.getnames() == ["hello-1.0/Makefile", "hello-1.0/hello.c"]


def test_long_is_made_of_the_upstream_tarball(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "bash_5.2.15.orig.tar.gz").write_bytes(b"upstream")
    prepare("long", tmp_path / "long", Archive(tmp_path))
    spec = (tmp_path / "long" / "SPECS" / "long.spec").read_text()
    assert "Version: 5.2.15\n" in spec
    assert "Source0: bash_5.2.15.orig.tar.gz\n" in spec
    assert (tmp_path / "long" / "SOURCES" / "bash_5.2.15.orig.tar.gz").read_bytes() == b"upstream"


def test_versions() -> None:
    assert upstream_version("bash_5.2.15.orig.tar.xz") == "5.2.15"
    with pytest.raises(ValueError, match="without a version"):
        spec_version("Name: nothing\n")


def try_connect(directory: Path, port: int) -> subprocess.CompletedProcess[str]:
    script = DATA / "sources" / "nettry" / "try-connect.sh"
    return subprocess.run(
        ["bash", script, f"127.0.0.1/{port}"], cwd=directory, capture_output=True, text=True, check=False
    )


def test_nettry_fails_where_a_listener_answers_and_only_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        reached = try_connect(tmp_path, port)
    refused = try_connect(tmp_path, port)
    assert (reached.returncode, refused.returncode) == (1, 0)
    assert f"connected to 127.0.0.1/{port}: this build is NOT isolated" in reached.stderr
    assert "nettry: interfaces: " in refused.stdout
    assert f"127.0.0.1/{port} refused" in refused.stdout
