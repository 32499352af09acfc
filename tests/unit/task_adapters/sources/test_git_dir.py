"""What a clone has stays, and what plugins ask git answers; what no clone has is refused."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from koji_adjutant.errors import BuildFailed
from koji_adjutant.task_adapters.sources.git_dir import (
    callback_environment,
    head_commit,
    make_harmless,
    refuse_repositories,
)
from tests.unit.task_adapters.sources.repositories import as_plugin, clone, commit, git, new_repository

URL = "https://example.com/hello.git"


def test_what_plugins_ask(tree: Path, origin: Path) -> None:
    asked = (
        ["status", "--porcelain"],
        ["branch", "-r", "--contains", "HEAD"],
        ["log", "--format=%H %s"],
        ["tag"],
        ["rev-parse", "HEAD", "origin/f40", "v1", "--show-toplevel"],
        ["show", "HEAD:hello.spec"],
        ["rev-list", "--count", "HEAD"],
        ["config", "remote.origin.fetch"],
        ["diff", "HEAD~1"],
    )
    before = [as_plugin(tree, command) for command in asked]
    head = git(origin, "rev-parse", "HEAD")
    make_harmless(tree, remote_url=URL)
    with callback_environment(tree):
        after = [as_plugin(tree, command) for command in asked]
        assert as_plugin(tree / ".git" / "..", ["remote", "get-url", "origin"]).stdout == f"{URL}\n"
    assert [done.stdout for done in after] == [done.stdout for done in before]
    assert "origin/main" in before[1].stdout
    assert head_commit(tree) == head
    assert git(tree, "fsck", "--full") == ""


def test_a_change_in_the_tree_is_seen(tree: Path) -> None:
    make_harmless(tree, remote_url=URL)
    (tree / "hello.spec").write_text("changed")
    with callback_environment(tree):
        assert as_plugin(tree, ["status", "--porcelain"]).stdout == " M hello.spec\n"


def test_what_is_left_of_it(tree: Path) -> None:
    for name in (
        "hooks/post-checkout",
        "info/attributes",
        "description",
        "config.worktree",
        "objects/pack/x.keep",
    ):
        (tree / ".git" / name).parent.mkdir(exist_ok=True)
        (tree / ".git" / name).write_text("x")
    make_harmless(tree, remote_url=URL)
    assert {path.name for path in (tree / ".git").iterdir()} == {
        "HEAD",
        "config",
        "index",
        "objects",
        "packed-refs",
        "refs",
    }
    assert {path.name for path in (tree / ".git/objects").iterdir()} == {"pack"}
    assert {path.suffix for path in (tree / ".git/objects/pack").iterdir()} == {".pack", ".idx"}


@pytest.mark.parametrize(
    "name",
    [
        "commondir",
        "gitdir",
        "modules/x",
        "worktrees/x",
        "shallow",
        "info/grafts",
        "objects/info/alternates",
        "objects/info/http-alternates",
        "objects/aa/" + "b" * 38,
        "objects/stray",
    ],
)
def test_what_no_clone_has_is_refused(tree: Path, name: str) -> None:
    (tree / ".git" / name).parent.mkdir(exist_ok=True)
    (tree / ".git" / name).write_text("/etc\n")
    with pytest.raises(BuildFailed, match=r"'\.git/.*' of the checkout is not taken onto this host"):
        make_harmless(tree, remote_url=URL)


@pytest.mark.parametrize("name", ["hooks", "refs/heads/x", "HEAD", "objects/pack", "config", "logs", "index"])
def test_links_within_are_refused(tree: Path, tmp_path: Path, name: str) -> None:
    path = tree / ".git" / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path)
    with pytest.raises(BuildFailed, match="it is a symbolic link"):
        make_harmless(tree, remote_url=URL)


@pytest.mark.parametrize(
    "content", ["ref: ../../etc/passwd", "ref: refs/../config", "x", "", "a" * 41, "ref: refs/a b"]
)
def test_what_is_no_reference(tree: Path, content: str) -> None:
    (tree / ".git/refs/heads/odd").write_text(content)
    with pytest.raises(BuildFailed, match="it is no reference"):
        make_harmless(tree, remote_url=URL)
    (tree / ".git/refs/heads/odd").unlink()
    (tree / ".git/HEAD").write_text(content)
    with pytest.raises(BuildFailed, match="it is no reference"):
        make_harmless(tree, remote_url=URL)


def test_a_git_that_is_no_directory(tree: Path, tmp_path: Path) -> None:
    moved = (tree / ".git").rename(tmp_path / "elsewhere")
    with pytest.raises(BuildFailed, match=r"'hello/\.git' .*: it is no directory"):
        make_harmless(tree, remote_url=URL)
    (tree / ".git").write_text(f"gitdir: {moved}\n")
    with pytest.raises(BuildFailed, match=r"'hello/\.git' .*: it is no directory"):
        make_harmless(tree, remote_url=URL)
    (tree / ".git").unlink()
    (tree / ".git").symlink_to(moved)
    with pytest.raises(BuildFailed, match=r"'hello/\.git' .*: it is no directory"):
        make_harmless(tree, remote_url=URL)
    link = tree.parent / "link"
    link.symlink_to(tree)
    with pytest.raises(BuildFailed, match=r"'link' .*: it is no directory"):
        make_harmless(link, remote_url=URL)


@pytest.mark.parametrize("name", ["module/.git", ".GIT", "a/b/.git/config", "module/.Git"])
def test_repositories_within(tree: Path, name: str) -> None:
    (tree / name).parent.mkdir(parents=True) if not (tree / name).parent.exists() else None
    (tree / name).write_text("x")
    with pytest.raises(BuildFailed, match="it is a repository within the checkout"):
        make_harmless(tree, remote_url=URL)
    with pytest.raises(BuildFailed, match="it is a repository within the checkout"):
        refuse_repositories(tree)


def test_a_checkout_without_git(tmp_path: Path) -> None:
    (tmp_path / "trunk").mkdir()
    (tmp_path / "trunk/gitignore").write_text("x")
    refuse_repositories(tmp_path)
    (tmp_path / "trunk/.git").symlink_to("/nowhere")
    with pytest.raises(BuildFailed, match=r"'trunk/\.git'"):
        refuse_repositories(tmp_path)


def test_damaged_packs(tree: Path) -> None:
    (pack,) = (tree / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    with pack.open("r+b") as file:
        file.seek(30)
        file.write(b"\xff\xff\xff")
    with pytest.raises(BuildFailed, match="git index-pack does not take the repository"):
        make_harmless(tree, remote_url=URL)


def test_objects_that_no_git_may_check_out(tree: Path) -> None:
    """A tree that has a `.git` of its own passes no strict look."""
    blob = git(tree, "hash-object", "-w", "--stdin", stdin="x")
    evil = (
        subprocess.run(
            ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"],
            cwd=tree,
            input=b"100644 .git\0" + bytes.fromhex(blob),
            capture_output=True,
            check=True,
        )
        .stdout.decode()
        .strip()
    )
    found = git(tree, "commit-tree", evil, "-m", "evil")
    git(tree, "update-ref", "refs/heads/evil", found)
    git(tree, "repack", "-adq")
    with pytest.raises(BuildFailed, match="hasDotgit"):
        make_harmless(tree, remote_url=URL)


def test_sloppy_objects_of_old_histories(tree: Path) -> None:
    old = git(tree, "cat-file", "commit", "HEAD").replace(" <a@example.com> ", " ", 1)
    found = git(tree, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=old)
    git(tree, "update-ref", "HEAD", found)
    git(tree, "repack", "-adq")
    make_harmless(tree, remote_url=URL)
    assert head_commit(tree) == found


def test_packs_that_build_on_each_other(tree: Path, origin: Path) -> None:
    """A small clone, and a merge request that is larger than it."""
    other = clone(origin, tree.parent / "other")
    name = commit(other, "large", "\n".join(map(str, range(50_000))))
    git(tree, "-c", "fetch.unpackLimit=1", "fetch", "--quiet", f"file://{other}", "HEAD:merge")
    assert len(list((tree / ".git/objects/pack").glob("*.pack"))) == 2
    git(tree, "reset", "--quiet", "--hard", "merge")
    make_harmless(tree, remote_url=URL)
    assert head_commit(tree) == name


def test_objects_that_are_missing(tree: Path) -> None:
    git(tree, "update-ref", "refs/heads/main", git(tree, "rev-parse", "main~1"))
    (tree / ".git/HEAD").write_text("0123456789" * 4 + "\n")
    with pytest.raises(BuildFailed, match="git read-tree does not take the repository"):
        make_harmless(tree, remote_url=URL)


def test_the_other_hash(tmp_path: Path) -> None:
    origin = new_repository(tmp_path / "hello", "--object-format=sha256")
    tree = clone(origin, tmp_path / "scmroot" / "hello")
    make_harmless(tree, remote_url=URL)
    assert head_commit(tree) == git(origin, "rev-parse", "HEAD")
    assert len(head_commit(tree)) == 64


def test_an_address_is_a_value_and_no_more(tree: Path) -> None:
    for url in (r'https://example.com/a"b\c;[#', "https://example.com/x y"):
        make_harmless(tree, remote_url=url)
        with callback_environment(tree):
            assert as_plugin(tree, ["config", "remote.origin.url"]).stdout == f"{url}\n"
    with pytest.raises(BuildFailed, match="the address of a repository cannot be"):
        make_harmless(tree, remote_url="https://example.com/\n[core]\n\tfsmonitor=x")


def test_the_environment_is_as_it_was(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/somewhere")
    before = dict(os.environ)
    with pytest.raises(KeyError), callback_environment(tree):
        assert "GIT_DIR" not in os.environ
        assert os.environ["GIT_CONFIG_GLOBAL"] == "/dev/null"
        raise KeyError
    assert dict(os.environ) == before


def test_no_commit(tree: Path) -> None:
    make_harmless(tree, remote_url=URL)
    (tree / ".git/HEAD").write_text("ref: refs/heads/none\n")
    with pytest.raises(BuildFailed, match="git rev-parse does not take"):
        head_commit(tree)
