"""What a site has on its host for checkouts, in a real checkout container, against real servers."""

import dataclasses
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from koji.daemon import SCM

from koji_adjutant.config.scm_values import LowSpeed
from koji_adjutant.config.values import mounts
from koji_adjutant.container.interface import PullPolicy
from koji_adjutant.container.labels import TASK, WORKER
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import BuildFailed
from koji_adjutant.policy.scm_access import scm_access
from koji_adjutant.policy.scm_address import ScmAddress
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.sources.checkout import HOME, CheckedOut, CheckoutAdapter
from tests.integration.running import Testbed
from tests.integration.test_secrets import command_lines, inspected_containers
from tests.scm.certificates import make_certificates
from tests.scm.daemons import ssh_server, svn_server
from tests.scm.git_repository import git_repository
from tests.scm.http import WebServer, web_server

pytestmark = pytest.mark.podman

OWNER = {WORKER: "checkouts", TASK: "7"}
TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
"""Where programs of the mini distribution look for authorities."""


class Log:
    """A log in memory."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, _stream: str, data: bytes) -> None:
        self.data += data


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkouts:
    """Checkouts on an engine, of a site that has nothing on its host."""

    testbed: Testbed
    manager: PodmanManager
    directory: Path
    root: Path
    """What servers serve."""
    log: Log

    @property
    def host(self) -> str:
        """This machine, as containers see it."""
        return self.testbed.engine.gateway

    def run(self, url: str, **options: Any) -> CheckedOut:
        nothing = {"scm_gitconfig": (), "scm_netrc": None, "scm_ssh_dir": None, "scm_known_hosts": None}
        config = dataclasses.replace(self.testbed.config, **{**nothing, "scm_ca_trust": (), **options})
        workdir = self.directory / f"work{len(list(self.directory.iterdir()))}"
        workdir.mkdir()
        config = dataclasses.replace(config, cache_dir=workdir / "cache")
        ctx = TaskContext(
            task_id=7,
            parameters={},
            session=self.testbed.session,
            workdir=workdir,
            config=config,
            worker="checkouts",
        )
        address = ScmAddress.of(SCM(url, allow_password=True))
        access = scm_access(config, address, home=HOME, environ={})
        image = self.manager.ensure_image_available(self.testbed.description.task_image, PullPolicy.NEVER)
        adapter = CheckoutAdapter(address=address, use_common=False, image=image.id, access=access)
        adapter.run(ctx, self.manager, self.log)
        assert adapter.result is not None
        return adapter.result

    def failure(self, url: str, **options: Any) -> BuildFailed:
        with pytest.raises(BuildFailed) as failed:
            self.run(url, **options)
        return failed.value


@pytest.fixture
def checkouts(testbed: Testbed, tmp_path: Path) -> Iterator[Checkouts]:
    root = tmp_path / "served"
    for kind in ("git", "svn"):
        (root / kind).mkdir(parents=True)
    git_repository(root / "git/hello.git").commit({"hello.spec": "of git"})
    (tmp_path / "work").mkdir()
    manager = PodmanManager(testbed.engine.socket, testbed.config.container_timeouts)
    yield Checkouts(testbed=testbed, manager=manager, directory=tmp_path / "work", root=root, log=Log())
    assert manager.find(OWNER) == ()
    manager.close()


@pytest.fixture
def web(checkouts: Checkouts) -> Iterator[WebServer]:
    with web_server(checkouts.root, checkouts.host) as server:
        yield server


@contextmanager
def watched(testbed: Testbed) -> Iterator[set[bytes]]:
    """What this machine's processes and the engine's containers show everybody, looked at all the time."""
    found: set[bytes] = set()
    end = threading.Event()

    def watch() -> None:
        while not end.is_set():
            found.update(command_lines())
            found.update(json.dumps(one).encode() for one in inspected_containers(testbed))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        end.set()
        thread.join()


def test_a_password_of_a_url_is_known_to_its_server_alone(checkouts: Checkouts, web: WebServer) -> None:
    with watched(checkouts.testbed) as seen:
        done = checkouts.run(f"git+http://{web.login}@{web.address}/private/hello.git#main")
        failed = checkouts.failure(f"git+http://{web.login}@{web.address}/private/none.git#main")
    assert (done.directory / "hello.spec").read_text() == "of git"
    assert web.paths(web.login)
    assert any(b"io.koji.adjutant" in line for line in seen), "containers were looked at"
    secret = web.password.encode()
    assert [line for line in seen if secret in line] == []
    assert secret not in checkouts.log.data + str(failed).encode()
    assert secret not in (done.directory / ".git/config").read_bytes()


def test_a_login_of_the_sites_netrc(checkouts: Checkouts, web: WebServer, tmp_path: Path) -> None:
    url = f"git+{web.url}/private/hello.git#main"
    assert checkouts.failure(url).hint == (
        f"{web.address} wants a login that this builder does not have: see scm_netrc and scm_gitconfig"
    )
    user, _, password = web.login.partition(":")
    (tmp_path / "netrc").write_text(f"machine {web.host} login {user} password {password}\n")
    assert checkouts.run(url, scm_netrc=tmp_path / "netrc").commit


def test_a_private_authority(checkouts: Checkouts, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path / "certificates", checkouts.host)
    gitconfig = tmp_path / "gitconfig"
    with web_server(checkouts.root, checkouts.host, certificates) as tls:
        url = f"git+{tls.url}/git/hello.git#main"
        assert f"does not trust the certificate of {tls.address}" in checkouts.failure(url).hint
        assert checkouts.run(url, scm_ca_trust=mounts(f"{certificates.authority}:{TRUSTED}")).commit
        gitconfig.write_text(f'[http "{tls.url}"]\n\tsslCAInfo = {certificates.authority}\n')
        assert checkouts.run(url, scm_gitconfig=(gitconfig,)).commit


def test_ssh_with_the_sites_keys_and_known_hosts(checkouts: Checkouts, tmp_path: Path) -> None:
    directory = tmp_path / "dot-ssh"
    directory.mkdir()
    with ssh_server(checkouts.root, tmp_path / "sshd", checkouts.host) as ssh:
        address = f"{ssh.host}:{ssh.port}"
        url = f"git+ssh://{ssh.address}/git/hello.git#main"
        (directory / "id_ed25519").write_bytes(ssh.identity.read_bytes())
        unknown = checkouts.failure(url, scm_ssh_dir=directory)
        assert unknown.hint == (
            f"this builder does not know {address} by its key: see scm_ssh_dir and scm_known_hosts"
        )
        assert str(unknown).startswith(
            f'Error running GIT+SSH command "git clone -n git+ssh://{ssh.address}/git'
        )
        (tmp_path / "known").write_text(ssh.known_hosts)
        done = checkouts.run(url, scm_ssh_dir=directory, scm_known_hosts=tmp_path / "known")
        assert (done.directory / "hello.spec").read_text() == "of git"
        (directory / "id_ed25519").unlink()
        (directory / "known_hosts").write_text(ssh.known_hosts)
        refused = checkouts.failure(url, scm_ssh_dir=directory)
        assert refused.hint == f"{address} lets none of this builder's keys in: see scm_ssh_dir"


def test_a_password_of_a_url_for_svn(checkouts: Checkouts, tmp_path: Path) -> None:
    repository = checkouts.root / "svn/p"
    subprocess.run(["svnadmin", "create", str(repository)], check=True)
    settings = "[general]\nanon-access = none\nauth-access = read\npassword-db = passwd\n"
    (repository / "conf/svnserve.conf").write_text(settings)
    (repository / "conf/passwd").write_text("[users]\nme = hunter2hunter2\n")
    subprocess.run(["svn", "mkdir", "-q", "-m", "x", f"file://{repository}/hello"], check=True)
    with svn_server(checkouts.root / "svn", tmp_path / "log", checkouts.host) as svn:
        with watched(checkouts.testbed) as seen:
            done = checkouts.run(f"svn://me:hunter2hunter2@{svn}/p?hello#1")
        assert done.directory.is_dir()
        assert [line for line in seen if b"hunter2hunter2" in line] == []
        assert b"hunter2" not in checkouts.log.data
        assert f"{svn} wants a login" in checkouts.failure(f"svn://{svn}/p?hello#1").hint


def test_a_server_that_sends_nothing(checkouts: Checkouts, web: WebServer) -> None:
    slow = checkouts.failure(
        f"git+{web.url}/hang/hello.git#main", scm_low_speed=LowSpeed(bytes=1, seconds=2.0)
    )
    assert slow.hint == f"{web.address} sends nothing: see scm_low_speed"
