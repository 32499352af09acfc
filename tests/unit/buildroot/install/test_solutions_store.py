"""The store of downloaded packages."""

import hashlib
from pathlib import Path

import pytest

from koji_adjutant.buildroot.install.solutions import PackageStore, SolvedPackage
from koji_adjutant.errors import BuildrootFailed

CONTENT = b"not really a package"
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()


def solved(store: PackageStore, content: bytes = CONTENT) -> SolvedPackage:
    package = SolvedPackage.from_json(
        {
            "name": "bash",
            "epoch": 0,
            "version": "5",
            "release": "1",
            "arch": "x86_64",
            "size": len(CONTENT),
            "checksum": ["sha256", CHECKSUM],
            "location": "Packages/bash-5-1.x86_64.rpm",
            "base": "",
        }
    )
    path = store.directory / package.file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return package


def test_a_task_sees_links_to_its_packages(tmp_path: Path) -> None:
    store = PackageStore(tmp_path / "store")
    package = solved(store)
    store.link([package], tmp_path / "task")
    linked = tmp_path / "task" / "bash-5-1.x86_64.rpm"
    assert linked.read_bytes() == CONTENT
    assert linked.samefile(store.directory / package.file)
    assert package.nevra == "bash-5-1.x86_64"


def test_a_changed_file_is_refused_and_forgotten(tmp_path: Path) -> None:
    store = PackageStore(tmp_path / "store")
    package = solved(store, b"something else entirely")
    with pytest.raises(BuildrootFailed, match=r"bash-5-1\.x86_64.*the repo says"):
        store.link([package], tmp_path / "task")
    assert not (store.directory / package.file).exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    store = PackageStore(tmp_path / "store")
    package = solved(store)
    (store.directory / package.file).unlink()
    with pytest.raises(BuildrootFailed, match="is not in the package store"):
        store.link([package], tmp_path / "task")
