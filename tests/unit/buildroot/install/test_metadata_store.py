"""Metadata that tasks share."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.buildroot.install.downloads import open_session
from koji_adjutant.buildroot.install.metadata_store import HeldMetadata, MetadataStore
from koji_adjutant.buildroot.install.repo_metadata import RepoMetadata, read_metadata
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.errors import BuildrootFailed
from tests.unit.buildroot.web import settings_for, web
from tests.unit.buildroot.xml_repo import COMPRESSIONS, Package, write_xml_repo

IMAGE = f"sha256:{'a' * 64}"
PROGRAM = "1" * 64


class Server:
    """Repos below one web server."""

    def __init__(self, directory: Path, url: str, seen: list[str]) -> None:
        self.directory = directory
        self.url = url
        self.seen = seen
        self.store = MetadataStore(directory / "cache", pause=0.001)

    def repo(self, name: str, *packages: Package) -> tuple[RepoMetadata, BuildrootSettings]:
        write_xml_repo(self.directory / "web" / name, packages, ["bash"])
        settings = settings_for(f"{self.url}/{name}")
        with open_session() as http:
            return read_metadata(settings, http), settings

    def files(self, name: str) -> list[str]:
        """What was fetched of a repo beside its repomd.xml."""
        return [path for path in self.seen if path.startswith(f"/{name}/") and "repomd" not in path]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    seen: list[str] = []
    (tmp_path / "web").mkdir()
    with web(tmp_path / "web", seen=seen) as url:
        yield Server(tmp_path, url, seen)


def make_caches(held: HeldMetadata, directory: Path, *names: str) -> None:
    directory.mkdir(exist_ok=True)
    for name in names:
        (directory / name).write_text(name)
    (directory / "linked").symlink_to(directory / "nowhere")
    (directory / "build-0123").mkdir()
    held.keep_caches(directory)


def test_another_repo_with_the_same_metadata_fetches_nothing(server: Server) -> None:
    metadata, settings = server.repo("one", Package(name="bash"))
    with server.store.held(metadata, settings, IMAGE, PROGRAM) as held:
        assert not held.has_caches
        names = {path.name for path in (held.directory / "repodata").iterdir()}
        make_caches(held, server.directory / "made", "build.solv")
    assert names == {
        "repomd.xml", "primary-primary.xml.gz", "filelists-filelists.xml.gz", "group-group.xml"
    }  # fmt: skip
    assert len(server.files("one")) == 3
    same, elsewhere = server.repo("two", Package(name="bash"))
    with server.store.held(same, elsewhere, IMAGE, PROGRAM) as held:
        assert held.has_caches
        assert {path.name for path in held.solver_caches.iterdir()} == {"build.solv"}
    assert server.files("two") == []


def test_each_task_image_has_caches_of_its_own(server: Server) -> None:
    metadata, settings = server.repo("one", Package(name="bash"))
    with server.store.held(metadata, settings, IMAGE, PROGRAM) as held:
        make_caches(held, server.directory / "made", "build.solv")
    with server.store.held(metadata, settings, "b" * 64, PROGRAM) as held:
        assert not held.has_caches
    assert len(server.files("one")) == 3


def test_caches_that_are_made_later_are_added(server: Server) -> None:
    metadata, settings = server.repo("one", Package(name="bash"))
    for number, name in enumerate(("build.solv", "build-full.solv")):
        with server.store.held(metadata, settings, IMAGE, PROGRAM) as held:
            make_caches(held, server.directory / f"made-{number}", name)
    with server.store.held(metadata, settings, IMAGE, PROGRAM) as held:
        assert {path.name for path in held.solver_caches.iterdir()} == {"build.solv", "build-full.solv"}
        assert not [path for path in held.directory.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("spoil", ["corrupt", "half", "gone"])
def test_metadata_that_is_not_what_repomd_says_is_never_kept(server: Server, spoil: str) -> None:
    metadata, settings = server.repo("one", Package(name="bash"))
    primary = server.directory / "web" / "one" / "repodata" / "primary.xml.gz"
    good = primary.read_bytes()
    if spoil == "corrupt":
        primary.write_bytes(good[:-1] + b"!")
    elif spoil == "half":
        primary.write_bytes(good[: len(good) // 2])
    else:
        primary.unlink()
    with (
        pytest.raises(BuildrootFailed, match="primary metadata of repo 7 of dist-build"),
        server.store.held(metadata, settings, IMAGE, PROGRAM),
    ):
        pytest.fail("the metadata was accepted")
    assert not [path for path in server.store.directory.iterdir() if path.is_dir()]
    primary.write_bytes(good)
    with server.store.held(metadata, settings, IMAGE, PROGRAM) as held:
        kept = (held.directory / "repodata" / "primary-primary.xml.gz").read_bytes()
    assert hashlib.sha256(kept).hexdigest() == metadata.records["primary"].checksum


def test_what_a_killed_task_left_is_fetched_anew(server: Server) -> None:
    metadata, settings = server.repo("one", Package(name="bash"))
    left = server.store.directory / f"{metadata.digest}.partial" / "repodata"
    left.mkdir(parents=True)
    (left / "primary-primary.xml.gz").write_bytes(b"half")
    with server.store.held(metadata, settings, IMAGE, PROGRAM) as held:
        assert (held.directory / "repodata" / "primary-primary.xml.gz").read_bytes() != b"half"
    assert not left.exists()


def test_caches_are_made_once_while_others_wait(server: Server) -> None:
    metadata, settings = server.repo("one", Package(name="bash"))
    made = []

    def task(number: int) -> None:
        with server.store.held(metadata, settings, IMAGE, PROGRAM) as held:
            if not held.has_caches:
                made.append(number)
                make_caches(held, server.directory / f"made-{number}", "build.solv")

    threads = [threading.Thread(target=task, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(server.files("one")) == 3


def test_a_compression_that_nothing_here_reads(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMPRESSIONS, "zck", lambda data: b"\0ZCK1" + data)
    write_xml_repo(server.directory / "web" / "one", (Package(name="bash"),), compression="zck")
    settings = settings_for(f"{server.url}/one")
    with open_session() as http:
        metadata = read_metadata(settings, http)
    with (
        pytest.raises(
            BuildrootFailed, match=r"primary metadata of repo .*/primary.xml.zck\) has .* zchunk; make"
        ),
        server.store.held(metadata, settings, IMAGE, PROGRAM),
    ):
        pass
    assert not (server.store.directory / metadata.digest).exists()
