"""git on this host, in repositories that others have made: it runs nothing but itself.

What git reads beside a repository's objects can name programs: configuration, hooks, attributes. Here it reads no
configuration but a repository's own, which has to be one of ours, and what `SETTINGS` say goes before that. It talks to
no server, asks nobody, and finds no repository that it is not told of. A process of it goes with the call.
"""

import os
import resource
import subprocess
from collections.abc import Mapping
from pathlib import Path

from koji_adjutant import names
from koji_adjutant.errors import BuildFailed, TaskFailed

GIT = "git"
LEAST_VERSION = (2, 38)
"""The first that can be told to take no directory of a checkout for a repository."""
SECONDS = 3600.0
MEMORY = 16 << 30
"""Bytes that a process may map: an object can say that it is of any size."""
_NOTHING = "/dev/null"
SETTINGS: Mapping[str, str] = {
    "core.hooksPath": _NOTHING,
    "core.fsmonitor": "false",
    "core.attributesFile": _NOTHING,
    "core.excludesFile": _NOTHING,
    "core.pager": "cat",
    "core.editor": "false",
    "core.sshCommand": "false",
    "credential.helper": "",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
"""Settings of git that go before those of any file."""


def git_environment(**more: str) -> dict[str, str]:
    """The variables that make git harmless; `more` are further settings, dots written as two underscores."""
    settings = {**SETTINGS, **{key.replace("__", "."): value for key, value in more.items()}}
    pairs = {
        f"GIT_CONFIG_{kind}_{number}": text
        for number, pair in enumerate(settings.items())
        for kind, text in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": _NOTHING,
        "GIT_CONFIG_GLOBAL": _NOTHING,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "GIT_SSH_COMMAND": "false",
        "GIT_EDITOR": "false",
        "GIT_PAGER": "cat",
        "GIT_CONFIG_COUNT": str(len(settings)),
        **pairs,
    }


def run_git(git_dir: Path, *arguments: str, seconds: float = SECONDS) -> str:
    """What git says in the repository whose directory `.git` is given. BuildFailed with its words when it fails."""
    tree = git_dir.parent
    said, failure = _run((f"--git-dir={git_dir}", f"--work-tree={tree}", *arguments), tree, seconds)
    if failure:
        raise BuildFailed(f"git {arguments[0]} does not take the repository that was checked out: {failure}")
    return said


def check_version() -> None:
    """TaskFailed when the git of this host cannot be run in what others have made."""
    said, _ = _run(("version",), Path("/"), SECONDS)
    version = said.removeprefix("git version ").split(".")
    if tuple(int(part) for part in version[:2] if part.isdecimal()) < LEAST_VERSION:
        raise TaskFailed(
            f"{names.one_line(said.strip())} of this builder cannot be run in a checkout, and a plugin may",
            hint=f"git has to be {'.'.join(map(str, LEAST_VERSION))} or newer for plugins with a checkout's callbacks",
        )


def _run(arguments: tuple[str, ...], directory: Path, seconds: float) -> tuple[str, str]:
    """What git says, and why it has failed."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": _NOTHING}
    try:
        process = subprocess.Popen(
            [GIT, *arguments],
            cwd=directory,
            env={**environment, **git_environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise TaskFailed(
            "there is no git on this builder, and a plugin is to be shown a checkout",
            hint="install git for plugins with a checkout's callbacks",
        ) from error
    with process:
        resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            out, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return "", f"it did not end within {seconds:.0f} s"
        except BaseException:
            process.kill()
            raise
    said = out.decode(errors="surrogateescape")
    if not process.returncode:
        return said, ""
    # What is wrong with an object stands before what becomes of it.
    last = "; ".join(errors.decode(errors="replace").strip().splitlines()[-2:])
    return said, names.one_line(last) or f"exit code {process.returncode}"
