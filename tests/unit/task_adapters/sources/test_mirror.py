"""A checkout has of a mirror what the server shows it, and nothing else; and none of them ever fails a checkout."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.task_adapters.sources.mirror import Mirrors
from koji_adjutant.task_adapters.sources.mirror_care import MirrorCare
from tests.scm.git_repository import GitRepository
from tests.scm.http import WebServer
from tests.unit.task_adapters.sources.mirrored import LARGE, check_out, mirrored, take_over
from tests.unit.task_adapters.sources.repositories import git


def test_what_a_mirror_has_is_not_sent_again(
    mirrors: Mirrors, url: str, web: WebServer, served: GitRepository, tmp_path: Path
) -> None:
    mirror = mirrored(mirrors, url, tmp_path / "first")
    newer = served.commit({"hello.spec": "Name: hello\nVersion: 1\n"}, parent="refs/heads/main^0")
    second = check_out(tmp_path / "second", url, mirror)
    assert second.said == f"head {newer}"
    assert not (second.tree / ".git/objects/info/alternates").exists()
    shutil.rmtree(mirror)
    assert git(second.tree, "fsck", "--full", "--strict") == ""
    packs = {path.name: path.stat().st_size for path in (second.tree / ".git/objects/pack").glob("*.pack")}
    assert min(packs.values()) < 2000 < len(LARGE) < max(packs.values())
    plain = check_out(tmp_path / "plain", url, None)
    for question in (["rev-list", "--objects", "--all"], ["for-each-ref"], ["status", "--porcelain"]):
        assert git(second.tree, *question) == git(plain.tree, *question)


def test_a_commit_that_only_the_mirror_has(
    mirrors: Mirrors, url: str, served: GitRepository, tmp_path: Path
) -> None:
    before = served.git("rev-parse", "main")
    secret = served.commit({"secret": "x"}, parent="refs/heads/main^0")
    mirror = mirrored(mirrors, url, tmp_path / "first")
    assert git(mirror, "cat-file", "-t", secret) == "commit"
    served.point("refs/heads/main", before)
    served.git("reflog", "expire", "--all", "--expire=now")
    served.git("gc", "--quiet", "--prune=now")
    refused = check_out(tmp_path / "second", url, mirror, secret)
    assert refused.said == "failed reset"
    assert not refused.has(secret)
    after = check_out(tmp_path / "third", url, mirror)
    assert after.said == f"head {before}"
    assert not after.has(secret)
    # Nor has the mirror it, when it has heard of that.
    assert mirrors.leave(url, after.tree, "image")
    take_over(mirrors)
    done = subprocess.run(
        ["git", f"--git-dir={mirror}", "cat-file", "-e", secret], capture_output=True, check=False
    )
    assert done.returncode != 0


def test_who_may_not_read_gets_nothing(mirrors: Mirrors, web: WebServer, tmp_path: Path) -> None:
    own = f"http://{web.login}@{web.address}/private/hello.git"
    url = f"{web.url}/private/hello.git"
    first = check_out(tmp_path / "first", own, None)
    assert mirrors.leave(url, first.tree, "image")
    take_over(mirrors)
    with mirrors.borrowed(url) as mirror:
        assert mirror is not None
        refused = check_out(tmp_path / "second", url, mirror)
        allowed = check_out(tmp_path / "third", own, mirror)
    assert refused.said == "failed clone"
    assert not refused.tree.exists()
    assert allowed.said == first.said
    left = b"".join(path.read_bytes() for path in mirrors.directory.rglob("*") if path.is_file())
    assert web.login.partition(":")[2].encode() not in left


def spoil_pack(mirror: Path) -> None:
    (pack,) = (mirror / "objects/pack").glob("*.pack")
    pack.chmod(0o644)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 5000] = bytes(5000)
    pack.write_bytes(content)


def cut_pack(mirror: Path) -> None:
    (pack,) = (mirror / "objects/pack").glob("*.pack")
    pack.chmod(0o644)
    os.truncate(pack, 100)


def remove_packs(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects/pack")


def remove_all(mirror: Path) -> None:
    shutil.rmtree(mirror)
    mirror.mkdir()


@pytest.mark.parametrize("spoil", [spoil_pack, cut_pack, remove_packs, remove_all])
def test_no_mirror_fails_a_checkout(mirrors: Mirrors, url: str, tmp_path: Path, spoil: object) -> None:
    mirror = mirrored(mirrors, url, tmp_path / "first")
    assert callable(spoil)
    spoil(mirror)
    second = check_out(tmp_path / "second", url, mirror)
    head = check_out(tmp_path / "plain", url, None).said
    assert second.said == f"{head} without-mirror"
    assert git(second.tree, "fsck", "--full") == ""
    mirrors.discard(url)
    with mirrors.borrowed(url) as found:
        assert found is None
    assert mirrors.leave(url, second.tree, "image")
    take_over(mirrors)
    assert check_out(tmp_path / "third", url, mirror).said == head


def test_nothing_is_left_twice(mirrors: Mirrors, url: str, served: GitRepository, tmp_path: Path) -> None:
    first = check_out(tmp_path / "first", url, None)
    assert mirrors.leave(url, first.tree, "image")
    assert not mirrors.leave(url, first.tree, "image")
    assert MirrorCare(config=mirrors.config).has_incoming()
    take_over(mirrors)
    assert not MirrorCare(config=mirrors.config).has_incoming()
    assert not mirrors.leave(url, first.tree, "image")
    served.git("tag", "v1", "main")
    assert mirrors.leave(url, check_out(tmp_path / "first", url, None).tree, "image")
    assert sorted(path.suffix for path in mirrors.directory.iterdir()) == [
        ".git",
        ".incoming",
        ".json",
        ".lock",
    ]


def test_links_are_not_followed(mirrors: Mirrors, url: str, tmp_path: Path) -> None:
    """A checkout may be a link to a repository of this host's, which nobody is to be shown."""
    other = check_out(tmp_path / "other", url, None)
    for number, part in enumerate((".", ".git", ".git/objects", ".git/objects/pack", ".git/packed-refs")):
        tree = tmp_path / f"scmroot{number}" / "hello"
        shutil.copytree(other.tree, tree)
        path = tree / part
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        path.symlink_to(other.tree / part)
        assert not mirrors.leave(url, tree, "image")
    (tmp_path / "scmroot").symlink_to(other.tree.parent)
    assert not mirrors.leave(url, tmp_path / "scmroot" / "hello", "image")
    assert not MirrorCare(config=mirrors.config).has_incoming()


def test_packs_that_are_links_stay(mirrors: Mirrors, url: str, tmp_path: Path) -> None:
    tree = check_out(tmp_path / "first", url, None).tree
    (tree / ".git/objects/pack" / f"pack-{'a' * 40}.pack").symlink_to("/etc/passwd")
    assert mirrors.leave(url, tree, "image")
    (incoming,) = mirrors.directory.glob("*.incoming")
    assert len(list((incoming / "objects/pack").iterdir())) == 2


def test_none_are_kept_where_none_are_wanted(mirrors: Mirrors, url: str, tmp_path: Path) -> None:
    tree = check_out(tmp_path / "first", url, None).tree
    small = Mirrors(config=replace(mirrors.config, scm_cache_size=1000))
    assert not small.leave(url, tree, "image")
    none = Mirrors(config=replace(mirrors.config, scm_cache_size=0))
    assert not none.leave(url, tree, "image")
    mirrored(mirrors, url, tmp_path / "first")
    with none.borrowed(url) as mirror:
        assert mirror is None


def test_a_cache_that_cannot_be_used(mirrors: Mirrors, url: str, tmp_path: Path) -> None:
    """A lock that cannot be opened is no mirror, and no failure."""
    mirrored(mirrors, url, tmp_path / "first")
    lock = mirrors._path(url, "lock")
    lock.unlink()
    lock.mkdir()
    with mirrors.borrowed(url) as found:
        assert found is None
