"""The servers, and a builder that is allowed to ask them, for the tests of this directory."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.configured import configured_sections
from tests.integration.conftest import settle
from tests.integration.running import Testbed
from tests.integration.sources.site import Site
from tests.scm.certificates import make_certificates
from tests.scm.daemons import SshServer, git_server, ssh_server, svn_server
from tests.scm.http import web_server
from tests.scm.packages import spec

TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
"""Where git and curl of the mini distribution look for authorities."""
ODD = ("private", "another-name", "redirect", "error", "hang", "trickle", "endless")
"""What the web server has beside repositories that anybody may read."""
MATCHES = (
    "!{host}*:/git/blocked/*",
    "{host}*:/git/words/*:no:make,words,VALUE=two",
    "{host}*:/git/lookaside/*:off",
    "{host}*:/git/common/*",
    "{host}*:/svn/common/*",
    *(f"{{host}}*:/{kind}/*:no:" for kind in ("git", "svn", *ODD)),
)
"""What a path begins with says: nothing; a command of its own; make sources; that with a common repository."""
SSH_CONFIG = """\
Host {host}:{port}
    HostName {host}
    Port {port}
"""
"""Subversion gives ssh the port as a part of the host's name."""
LIMITS = {
    "scm_timeout": "25",
    "scm_low_speed": "100/10",
    "scm_tree_size": "100M",
    "scm_tree_files": "3000",
    "log_size_limit": "64M",
}


@pytest.fixture(scope="package")
def site(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The servers on the gateway of the engine's bridge, where containers see them."""
    scratch = tmp_path_factory.mktemp("site")
    root, host = scratch / "served", testbed.engine.gateway
    for name in ("git", "svn", "lookaside"):
        (root / name).mkdir(parents=True)
    certificates = make_certificates(scratch / "certificates", host)
    with ExitStack() as stack:
        found = Site(
            testbed=testbed,
            root=root,
            web=stack.enter_context(web_server(root, host)),
            tls=stack.enter_context(web_server(root, host, certificates)),
            elsewhere=stack.enter_context(web_server(root, host)),
            ssh=stack.enter_context(ssh_server(root, scratch / "sshd", host)),
            svn=stack.enter_context(svn_server(root, scratch / "svnserve.log", host)),
            git=stack.enter_context(git_server(root, scratch / "git.log", host)),
        )
        credentials = write_credentials(scratch / "credentials", found)
        kojid = {
            "allowed_scms": " ".join(match.format(host=host) for match in MATCHES),
            "scm_credentials_dir": str(credentials),
        }
        adjutant = {
            **LIMITS,
            "scm_ssh_dir": str(write_ssh_directory(scratch / "ssh", found.ssh)),
            "scm_ca_trust": f"{certificates.authority}:{TRUSTED}",
            "scm_gitconfig": str(write_gitconfig(scratch / "gitconfig", found)),
        }
        stack.enter_context(configured_sections(testbed, {"kojid": kojid, "adjutant": adjutant}))
        warm_up(found)
        yield found


def warm_up(site: Site) -> None:
    """Have the builder make a root, so that the tasks of a test that begins many do not make one each."""
    site.git_repository("git/warm.git").commit({"warm.spec": spec("warm")})
    site.made(site.url("git/warm.git", "main"))
    settle(site.testbed)


def write_ssh_directory(directory: Path, server: SshServer) -> Path:
    """What a site has in ~/.ssh."""
    directory.mkdir(mode=0o700)
    key = directory / "id_ed25519"
    key.write_bytes(server.identity.read_bytes())
    key.chmod(0o600)
    (directory / "known_hosts").write_text(server.known_hosts)
    (directory / "config").write_text(SSH_CONFIG.format(host=server.host, port=server.port))
    return directory


def write_credentials(directory: Path, site: Site) -> Path:
    """What a site has in scm_credentials_dir: a login for its lookaside."""
    directory.mkdir()
    user, _, password = site.web.login.partition(":")
    (directory / "netrc").write_text(f"machine {site.web.host} login {user} password {password}\n")
    return directory


def write_gitconfig(path: Path, site: Site) -> Path:
    """What a site has in /etc/gitconfig: here another name of a server."""
    path.write_text(f'[url "{site.web.url}/git/"]\n\tinsteadOf = {site.web.url}/another-name/\n')
    return path
