"""The servers answer the clients that everybody has, and misbehave when they are to."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scm.certificates import Certificates, make_certificates
from tests.scm.daemons import SshServer, git_server, ssh_server, svn_server
from tests.scm.git_repository import Content, Link, Program, Submodule, git_repository
from tests.scm.http import WebServer, web_server
from tests.scm.packages import distribution_package
from tests.scm.svn_repository import svn_repository

LOOPBACK = "127.0.0.1"
FILES: Mapping[str, Content] = {
    "a\nb": "1",
    "link": Link("/etc"),
    "sub": Submodule("2" * 40),
    "run": Program("true"),
}
MERGE_REQUEST = "refs/merge-requests/1/head"


@dataclass(frozen=True, kw_only=True)
class Servers:
    """All of them, on one repository of each kind."""

    web: WebServer
    tls: WebServer
    ssh: SshServer
    svn: str
    git: str
    certificates: Certificates
    commit: str
    scratch: Path

    def client(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A client that asks nobody, and has no settings."""
        own = {**os.environ, "HOME": str(self.scratch), "GIT_TERMINAL_PROMPT": "0", **environment}
        return subprocess.run(
            argv, env=own, cwd=self.scratch, capture_output=True, text=True, check=False, timeout=60
        )

    def head(self, url: str, **environment: str) -> str:
        """The commit that a clone of `url` begins with, or what git says."""
        done = self.client("git", "ls-remote", url, "refs/heads/main", **environment)
        return done.stdout.split()[0] if done.returncode == 0 else done.stderr

    @property
    def by_key(self) -> str:
        known = self.scratch / "known_hosts"
        known.write_text(self.ssh.known_hosts)
        return f"ssh -F none -p {self.ssh.port} -i {self.ssh.identity} -o UserKnownHostsFile={known}"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    scratch = tmp_path_factory.mktemp("scm")
    root = scratch / "served"
    hello = distribution_package("hello")
    repository = git_repository(root / "git/hello.git")
    commit = repository.commit(hello)
    repository.commit({**hello, **FILES}, ref=MERGE_REQUEST, parent=commit)
    svn_repository(root / "git/svn").add("hello", hello)
    certificates = make_certificates(scratch / "certificates", LOOPBACK)
    with ExitStack() as stack:
        yield Servers(
            web=stack.enter_context(web_server(root, LOOPBACK)),
            tls=stack.enter_context(web_server(root, LOOPBACK, certificates)),
            ssh=stack.enter_context(ssh_server(root / "git", scratch / "ssh", LOOPBACK)),
            svn=stack.enter_context(svn_server(root / "git", scratch / "svn.log", LOOPBACK)),
            git=stack.enter_context(git_server(root / "git", scratch / "git.log", LOOPBACK)),
            certificates=certificates,
            commit=commit,
            scratch=scratch,
        )


def test_every_way_to_a_git_repository(servers: Servers) -> None:
    assert servers.head(f"{servers.web.url}/git/hello.git") == servers.commit
    assert servers.head(f"git://{servers.git}/hello.git") == servers.commit
    ssh = f"git+ssh://{servers.ssh.user}@{servers.ssh.host}/hello.git"
    assert servers.head(ssh, GIT_SSH_COMMAND=servers.by_key) == servers.commit


def test_tls_is_for_those_who_trust_the_authority(servers: Servers) -> None:
    url = f"{servers.tls.url}/git/hello.git"
    assert "certificate" in servers.head(url)
    assert servers.head(url, GIT_SSL_CAINFO=str(servers.certificates.authority)) == servers.commit


def test_a_login_is_wanted_and_seen(servers: Servers) -> None:
    assert "terminal prompts disabled" in servers.head(f"{servers.web.url}/private/hello.git")
    assert not servers.web.paths(servers.web.login)
    own = f"http://{servers.web.login}@{servers.web.address}/private/hello.git"
    assert servers.head(own) == servers.commit
    assert servers.web.paths(servers.web.login)


def test_the_key_is_for_repositories_alone(servers: Servers) -> None:
    done = servers.client(*servers.by_key.split(), f"{servers.ssh.user}@{servers.ssh.host}", "id")
    assert done.returncode == 1
    assert "not allowed: id" in done.stderr


def test_what_git_would_not_add_to_a_repository(servers: Servers) -> None:
    url = f"{servers.web.url}/git/hello.git"
    servers.client("git", "init", "--quiet", "--bare", "fetched")
    servers.client("git", "-C", "fetched", "fetch", "--quiet", url, MERGE_REQUEST)
    listed = servers.client("git", "-C", "fetched", "ls-tree", "-r", "FETCH_HEAD").stdout
    kinds = {line.split("\t")[1]: line.split()[0] for line in listed.splitlines()}
    assert kinds == {
        '"a\\nb"': "100644",
        "hello.spec": "100644",
        "hello-1.0.tar.gz": "100644",
        "link": "120000",
        "sub": "160000",
        "run": "100755",
    }


def test_subversion_by_itself_and_over_ssh(servers: Servers) -> None:
    listed = servers.client("svn", "ls", f"svn://{servers.svn}/svn/hello").stdout.split()
    assert listed == ["hello-1.0.tar.gz", "hello.spec"]
    over_ssh = f"svn+ssh://{servers.ssh.user}@{servers.ssh.host}/svn/hello"
    assert servers.client("svn", "ls", over_ssh, SVN_SSH=servers.by_key).stdout.split() == listed


def test_a_redirect_leads_elsewhere(servers: Servers) -> None:
    before = len(servers.web.asked)
    url = f"{servers.web.url}/redirect/{servers.web.address}/git/hello.git"
    assert servers.head(url) == servers.commit
    assert [path.split("/")[1] for path in servers.web.paths()[before : before + 2]] == ["redirect", "git"]


@pytest.mark.parametrize("trouble", ["hang", "trickle", "endless/refs", "endless/words", "endless/object"])
def test_a_server_that_never_ends(servers: Servers, trouble: str) -> None:
    url = f"{servers.web.url}/{trouble}/hello.git"
    target = servers.scratch / trouble.replace("/", "-")
    done = servers.client("timeout", "1", "git", "clone", "--quiet", url, str(target))
    assert done.returncode == 124, done.stderr


def test_a_server_that_fails(servers: Servers) -> None:
    assert "error: 500" in servers.head(f"{servers.web.url}/error/hello.git")
