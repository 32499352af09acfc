"""Bare git repositories, made in one go out of what they are to hold: also what no git would make of a work tree."""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

WHEN = 1_700_000_000
MAIN = "refs/heads/main"
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "A. Packager",
    "GIT_AUTHOR_EMAIL": "packager@example.org",
    "GIT_COMMITTER_NAME": "A. Packager",
    "GIT_COMMITTER_EMAIL": "packager@example.org",
    "GIT_AUTHOR_DATE": f"{WHEN} +0000",
    "GIT_COMMITTER_DATE": f"{WHEN} +0000",
}
"""No setting of this machine's has a say."""


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Submodule:
    """A commit of another repository."""

    commit: str


@dataclass(frozen=True)
class Program:
    """A file that may be executed."""

    content: str


Content = str | bytes | Link | Submodule | Program


@dataclass(frozen=True, kw_only=True)
class GitRepository:
    """The bare repository at `path`. It lives in a directory of the test's."""

    path: Path

    def git(self, *arguments: str, given: bytes = b"") -> str:
        """What a git command in it prints."""
        argv = ["git", f"--git-dir={self.path}", *arguments]
        environment = {**os.environ, **ENVIRONMENT}
        done = subprocess.run(argv, input=given, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, f"{argv}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode().strip()

    def commit(
        self, files: Mapping[str, Content], *, ref: str = MAIN, parent: str = "", message: str = "A change"
    ) -> str:
        """A commit of exactly these files as the new tip of `ref`; its hash."""
        argv = ["git", f"--git-dir={self.path}", "fast-import", "--quiet", "--force"]
        environment = {**os.environ, **ENVIRONMENT}
        with subprocess.Popen(argv, stdin=subprocess.PIPE, env=environment) as child:
            stream = cast("IO[bytes]", child.stdin)
            stream.write(_head_of(ref, parent, message))
            for path, content in files.items():
                stream.write(_change(path, content))
            stream.close()
        assert child.returncode == 0, f"git fast-import of {ref}"
        return self.git("rev-parse", ref)

    def point(self, ref: str, commit: str) -> None:
        """Let `ref` name a commit."""
        self.git("update-ref", ref, commit)

    def tree(self, entries: Iterable[tuple[str, bytes, str]]) -> str:
        """A tree of raw (mode, name, object): also one that no command of git's would write."""
        raw = b"".join(
            mode.encode() + b" " + name + b"\0" + bytes.fromhex(identifier)
            for mode, name, identifier in entries
        )
        return self.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)

    def commit_of_tree(self, entries: Iterable[tuple[str, bytes, str]], *, ref: str = MAIN) -> str:
        """A commit of such a tree as the tip of `ref`."""
        commit = self.git("commit-tree", self.tree(entries), "-m", "A tree by hand")
        self.point(ref, commit)
        return commit

    def blob(self, content: bytes) -> str:
        """The name of a blob."""
        return self.git("hash-object", "-w", "--stdin", given=content)


def git_repository(path: Path) -> GitRepository:
    """A new, empty repository, which may be fetched from by every name of an object and every reference."""
    path.parent.mkdir(parents=True, exist_ok=True)
    repository = GitRepository(path=path)
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)],
        env={**os.environ, **ENVIRONMENT},
        check=True,
    )
    return repository


def lfs_pointer(content: bytes) -> str:
    """What stands in a repository for a file that is kept elsewhere."""
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


def _head_of(ref: str, parent: str, message: str) -> bytes:
    who = f"{ENVIRONMENT['GIT_COMMITTER_NAME']} <{ENVIRONMENT['GIT_COMMITTER_EMAIL']}> {WHEN} +0000"
    text = f"commit {ref}\ncommitter {who}\ndata {len(message.encode())}\n{message}\n"
    origin = f"from {parent}\n" if parent else ""
    return f"{text}{origin}deleteall\n".encode()


def _change(path: str, content: Content) -> bytes:
    quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(content, Submodule):
        return f"M 160000 {content.commit} {quoted}\n".encode()
    mode, data = _mode_and_data(content)
    return f"M {mode} inline {quoted}\ndata {len(data)}\n".encode() + data + b"\n"


def _mode_and_data(content: str | bytes | Link | Program) -> tuple[str, bytes]:
    if isinstance(content, Link):
        return "120000", content.target.encode()
    if isinstance(content, Program):
        return "100755", content.content.encode()
    return "100644", content.encode() if isinstance(content, str) else content
