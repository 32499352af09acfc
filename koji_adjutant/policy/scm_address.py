"""Where sources come from: what a task's URL says, taken apart and looked at once, for whoever runs a program on it.

Koji's own class reads a URL and asks whether it is allowed; an address is made of what that has found. No part of one
can be taken for an option of a program, and none leads out of the directory that a checkout is put into. A password is
in no text that an address gives. Pure.
"""

import os
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from koji_adjutant import names
from koji_adjutant.errors import BuildFailed

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_UNFIT = re.compile(r"[\x00-\x1f\x7f]")
NAME_BYTES = 255


class ScmKind(StrEnum):
    """The program that checks sources out."""

    GIT = "git"
    SVN = "svn"
    CVS = "cvs"


@dataclass(frozen=True, kw_only=True)
class ScmAddress:
    """A module of a repository at a revision."""

    given: str = field(repr=False)
    """The URL as the task has it, which may have a password."""
    kind: ScmKind
    scheme: str
    """What the program takes: https, http, git, rsync, git+ssh, svn, svn+ssh."""
    user: str | None
    password: str | None = field(repr=False)
    host: str
    """With its port, where the URL has one."""
    repository: str
    """An absolute path of the host's."""
    module: str
    """A directory of the repository; empty for all of it."""
    revision: str

    @classmethod
    def of(cls, scm: Any) -> Self:
        """The address of a koji.daemon.SCM; BuildFailed for one that no program can be given."""
        prefix, _, transport = scm.scheme.removesuffix("://").partition("+")
        kind = ScmKind(prefix)
        login = urlsplit(scm.url.replace(scm.scheme, "http://", 1))
        address = cls(
            given=scm.url,
            kind=kind,
            scheme=transport if transport and transport != "ssh" else scm.scheme.removesuffix("://"),
            user=login.username or None,
            password=login.password or None,
            host=scm.host,
            repository=scm.repository,
            module=scm.module,
            revision=scm.revision,
        )
        address.check()
        return address

    @property
    def needs_user(self) -> bool:
        """Whether the program logs in as somebody."""
        return self.scheme.endswith("+ssh")

    @property
    def url(self) -> str:
        """The repository, as the program is given it."""
        has_user = self.user and (self.kind is ScmKind.GIT or self.needs_user)
        user = f"{self.user}@" if has_user else ""
        return f"{self.scheme}://{user}{self.host}{self.repository}"

    @property
    def common_url(self) -> str:
        """The repository that lies beside it as `common`, named as this one is."""
        if self.kind is not ScmKind.GIT:
            return f"{self.url}/common"
        for suffix in ("/.git", ".git"):
            if self.url.endswith(suffix):
                return f"{os.path.dirname(self.url.removesuffix(suffix))}/common{suffix}"  # noqa: PTH120
        return f"{os.path.dirname(self.url)}/common"  # noqa: PTH120

    @property
    def name(self) -> str:
        """The directory that all of a repository is cloned into; empty where only the module is checked out."""
        if self.kind is not ScmKind.GIT:
            return ""
        return PurePosixPath(self.repository.removesuffix("/.git").removesuffix(".git")).name

    @property
    def directory(self) -> PurePosixPath:
        """The module's directory in a checkout."""
        return PurePosixPath(self.name, self.module)

    @property
    def fetched(self) -> str:
        """The revision as the server knows it: origin/x is x there."""
        return self.revision.removeprefix("origin/")

    def source(self, commit: str) -> str:
        """What the hub is told of a checkout: the URL without a user, at the commit that was checked out."""
        if self.kind is not ScmKind.GIT:
            return self.given
        scheme = self.given.partition("://")[0]
        return urlunsplit((scheme, self.host, self.repository, self.module, commit))

    def check(self) -> None:
        """BuildFailed for an address that no program can be given."""
        for what, text in self._parts():
            if text.startswith("-") or _UNFIT.search(text):
                raise BuildFailed(
                    f"the {what} of an SCM URL cannot be {names.shown(text)}",
                    hint="it is given to a program, and is not to begin with a hyphen or to have control characters",
                )
        if ".." in PurePosixPath(self.module).parts or self.module.startswith("/"):
            raise BuildFailed(f"the module of an SCM URL cannot be {names.shown(self.module)}")
        if self.kind is ScmKind.GIT and (
            self.name in {"", ".", ".."} or len(self.name.encode()) > NAME_BYTES
        ):
            raise BuildFailed(f"the repository of an SCM URL cannot be {names.shown(self.repository)}")

    def _parts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("user", self.user or ""),
            ("host", self.host),
            ("repository", self.repository),
            ("module", self.module),
            ("revision", self.revision),
        )


def is_commit(text: str) -> bool:
    """Whether it is the full name of a commit."""
    return bool(_COMMIT.fullmatch(text))
