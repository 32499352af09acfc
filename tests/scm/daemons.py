"""sshd, svnserve and git's own daemon on repositories below a directory, each as long as its block lasts."""

import getpass
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.scm.processes import free_port, serving

HERE = Path(__file__).parent
CONFIG = """\
ListenAddress {host}:{port}
HostKey {directory}/host_key
PidFile none
AuthorizedKeysFile {directory}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin forced-commands-only
AcceptEnv GIT_PROTOCOL
"""


@dataclass(frozen=True, kw_only=True)
class SshServer:
    """An sshd that lets one key in, to read repositories and nothing else."""

    host: str
    port: int
    directory: Path
    """Its keys and its log."""

    @property
    def user(self) -> str:
        return getpass.getuser()

    @property
    def address(self) -> str:
        """User, host and port, as they stand in a URL."""
        return f"{self.user}@{self.host}:{self.port}"

    @property
    def identity(self) -> Path:
        """The private key that is let in."""
        return self.directory / "identity"

    @property
    def known_hosts(self) -> str:
        """The line by which a client knows it."""
        kind, key = (self.directory / "host_key.pub").read_text().split()[:2]
        return f"[{self.host}]:{self.port} {kind} {key}\n"

    @property
    def log(self) -> str:
        return (self.directory / "sshd.log").read_text(errors="replace")


@contextmanager
def ssh_server(repositories: Path, directory: Path, host: str) -> Iterator[SshServer]:
    """sshd on `host`, whose keys and log are made in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("host_key", "identity"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(directory / name)],
            check=True,
        )
    server = SshServer(host=host, port=free_port(host), directory=directory)
    key = (directory / "identity.pub").read_text()
    forced = f'restrict,command="{HERE}/ssh_command.sh {repositories}"'
    (directory / "authorized_keys").write_text(f"{forced} {key}")
    config = directory / "sshd_config"
    config.write_text(CONFIG.format(host=host, port=server.port, directory=directory))
    argv = ["unshare", "--mount", "--propagation=private", str(HERE / "sshd.sh"), str(config)]
    with serving(argv, host, server.port, directory / "sshd.log"):
        yield server


@contextmanager
def svn_server(repositories: Path, log: Path, host: str) -> Iterator[str]:
    """svnserve on `host`; its host and port."""
    port = free_port(host)
    argv = ["svnserve", "--daemon", "--foreground", "--read-only", f"--root={repositories}"]
    argv += [f"--listen-host={host}", f"--listen-port={port}"]
    with serving(argv, host, port, log):
        yield f"{host}:{port}"


@contextmanager
def git_server(repositories: Path, log: Path, host: str) -> Iterator[str]:
    """git's own daemon on `host`; its host and port."""
    port = free_port(host)
    argv = ["git", "daemon", "--export-all", "--informative-errors", "--reuseaddr"]
    argv += [f"--base-path={repositories}", f"--listen={host}", f"--port={port}"]
    with serving(argv, host, port, log):
        yield f"{host}:{port}"
