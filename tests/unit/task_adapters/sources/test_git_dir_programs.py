"""What a hostile `.git` would run on this host, it does not once it is harmless."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from koji_adjutant.task_adapters.sources.git_dir import callback_environment, make_harmless
from tests.unit.task_adapters.sources.repositories import as_plugin, git

URL = "https://example.com/hello.git"
Hostile = Callable[[Path, Path], Sequence[str]]


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A program that leaves a file, as proof that it was run."""
    program = tmp_path / "marker"
    program.write_text(f"#!/bin/sh\ntouch {program}.ran\n")
    program.chmod(0o755)
    return program


def configure(tree: Path, *settings: tuple[str, str]) -> None:
    for key, value in settings:
        git(tree, "config", key, value)


def fsmonitor(tree: Path, marker: Path) -> Sequence[str]:
    configure(tree, ("core.fsmonitor", str(marker)))
    return ("status",)


def hooks(tree: Path, marker: Path) -> Sequence[str]:
    (tree / ".git/hooks").mkdir(exist_ok=True)
    shutil.copy(marker, tree / ".git/hooks/reference-transaction")
    (tree / ".git/hooks/reference-transaction").write_text(f"#!/bin/sh\nexec {marker}\n")
    return ("update-ref", "refs/tags/checked", "HEAD")


def hooks_path(tree: Path, marker: Path) -> Sequence[str]:
    (tree / "bin").mkdir()
    (tree / "bin/reference-transaction").symlink_to(marker)
    configure(tree, ("core.hooksPath", str(tree / "bin")))
    return ("update-ref", "refs/tags/checked", "HEAD")


def clean_filter(tree: Path, marker: Path) -> Sequence[str]:
    configure(tree, ("filter.evil.clean", str(marker)))
    text = (tree / "hello.spec").read_text()
    (tree / "hello.spec").write_text(text.upper())
    return ("status",)


def smudge_by_info(tree: Path, marker: Path) -> Sequence[str]:
    (tree / ".git/info").mkdir(exist_ok=True)
    (tree / ".git/info/attributes").write_text("* filter=other\n")
    configure(tree, ("filter.other.smudge", str(marker)))
    (tree / "hello.spec").unlink()
    return ("checkout", "--", "hello.spec")


def attributes_file(tree: Path, marker: Path) -> Sequence[str]:
    (tree / "attributes").write_text("* diff=third\n")
    configure(tree, ("core.attributesFile", str(tree / "attributes")), ("diff.third.textconv", str(marker)))
    return ("show", "HEAD")


def textconv(tree: Path, marker: Path) -> Sequence[str]:
    configure(tree, ("diff.evil.textconv", str(marker)))
    return ("show", "HEAD~1")


def external_diff(tree: Path, marker: Path) -> Sequence[str]:
    configure(tree, ("diff.external", str(marker)))
    return ("diff", "HEAD~1")


def include(tree: Path, marker: Path) -> Sequence[str]:
    (tree / "more").write_text(f"[core]\n\tfsmonitor = {marker}\n")
    configure(tree, ("include.path", str(tree / "more")))
    return ("status",)


def config_of_worktree(tree: Path, marker: Path) -> Sequence[str]:
    (tree / ".git/config.worktree").write_text(f"[core]\n\tfsmonitor = {marker}\n")
    configure(tree, ("core.repositoryformatversion", "1"), ("extensions.worktreeConfig", "true"))
    return ("status",)


def ssh_command(tree: Path, marker: Path) -> Sequence[str]:
    configure(tree, ("core.sshCommand", str(marker)), ("remote.origin.url", "ssh://localhost/x"))
    return ("fetch", "ssh://localhost/x")


def external_transport(tree: Path, marker: Path) -> Sequence[str]:
    configure(tree, ("protocol.ext.allow", "always"))
    return ("fetch", f"ext::{marker}")


def upload_pack(tree: Path, marker: Path) -> Sequence[str]:
    configure(tree, ("remote.origin.uploadpack", str(marker)))
    return ("fetch", "origin")


def credential_helper(tree: Path, marker: Path) -> Sequence[str]:
    configure(tree, ("credential.helper", str(marker)))
    return ("credential", "fill")


def signature(tree: Path, marker: Path) -> Sequence[str]:
    signed = git(tree, "cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n", 1
    )
    found = git(tree, "hash-object", "-t", "commit", "-w", "--stdin", stdin=signed)
    git(tree, "update-ref", "HEAD", found)
    git(tree, "repack", "-adq")
    configure(tree, ("gpg.program", str(marker)), ("log.showSignature", "true"))
    return ("log", "-1")


def alias(tree: Path, marker: Path) -> Sequence[str]:
    configure(tree, ("alias.st", f"!{marker}"))
    return ("st",)


def editor(tree: Path, marker: Path) -> Sequence[str]:
    configure(tree, ("core.editor", str(marker)))
    return ("commit", "--allow-empty")


ALL = (
    fsmonitor,
    hooks,
    hooks_path,
    clean_filter,
    smudge_by_info,
    attributes_file,
    textconv,
    external_diff,
    include,
    config_of_worktree,
    ssh_command,
    external_transport,
    upload_pack,
    credential_helper,
    signature,
    alias,
    editor,
)


@pytest.mark.parametrize("hostile", ALL, ids=[hostile.__name__ for hostile in ALL])
def test_what_would_run_does_not(tree: Path, marker: Path, hostile: Hostile) -> None:
    command = hostile(tree, marker)
    ran = Path(f"{marker}.ran")
    shutil.copytree(tree, tree.parent / "as-it-was", symlinks=True)
    as_plugin(tree, command)
    assert ran.exists(), "the test's own trap does not work"
    ran.unlink()
    shutil.rmtree(tree)
    (tree.parent / "as-it-was").rename(tree)
    make_harmless(tree, remote_url=URL)
    with callback_environment(tree):
        as_plugin(tree, command)
        as_plugin(tree, ["status"])
    assert not ran.exists()


def test_a_directory_that_looks_like_a_repository(tree: Path, marker: Path) -> None:
    """Tracked files may make one: git would take it for the repository of whoever stands in it."""
    inside = tree / "module"
    git(tree, "init", "--quiet", "--bare", str(inside))
    configure(inside, ("core.bare", "false"), ("core.worktree", ".."), ("alias.st", f"!{marker}"))
    as_plugin(inside, ["st"])
    ran = Path(f"{marker}.ran")
    assert ran.exists()
    ran.unlink()
    make_harmless(tree, remote_url=URL)
    with callback_environment(tree):
        as_plugin(inside, ["st"])
    assert not ran.exists()
