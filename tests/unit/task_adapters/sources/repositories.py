"""Repositories that tests make with the real git, and what hostile ones have in them."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

NOBODY = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_TERMINAL_PROMPT": "0",
}


def git(directory: Path, *arguments: str, stdin: str = "", environment: Mapping[str, str] = NOBODY) -> str:
    """What git says; an error when it fails."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        input=stdin,
        text=True,
        capture_output=True,
        check=True,
    )
    return done.stdout.strip()


def new_repository(directory: Path, *options: str) -> Path:
    """A repository with two commits on branch main, the second of which changes a file of the first."""
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet", "--initial-branch=main", *options)
    commit(directory, "hello.spec", "Name: hello\n")
    commit(directory, "hello.spec", "Name: hello\nVersion: 1\n")
    return directory


def commit(repository: Path, name: str, content: str) -> str:
    """One commit more; its id."""
    (repository / name).write_text(content)
    git(repository, "add", "--", name)
    git(repository, "commit", "--quiet", "--message", f"change {name}")
    return git(repository, "rev-parse", "HEAD")


def clone(source: Path, target: Path, revision: str = "main") -> Path:
    """A checkout as a build has it: all of the repository, in packs, and HEAD at the revision."""
    git(source.parent, "clone", "--quiet", "--no-checkout", f"file://{source}", str(target))
    git(target, "-c", "fetch.unpackLimit=1", "fetch", "--quiet", "origin", f"{revision}:KOJI_FETCH_HEAD")
    git(target, "reset", "--quiet", "--hard", "KOJI_FETCH_HEAD")
    return target


def as_plugin(tree: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """git, as a plugin runs it: in the directory that it was told, with the environment that there is."""
    asked = "protocol=https\nhost=localhost\n\n"
    return subprocess.run(
        ["git", *command], cwd=tree, input=asked, text=True, capture_output=True, check=False, timeout=60
    )
