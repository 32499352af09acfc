"""A worker of koji-box, whole: its entrypoint's steps, variables, paths and flags around the worker's image.

It logs in by the keytab of a KDC of this test's own, at a hub of the test's own with a certificate of a site's
authority; runs as uid 1000; makes the first repo; and builds, in the engine whose socket it is given. It has no volume
but that of the hub: where the engine has its paths, it finds by itself.
"""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

import koji
import pytest

from koji_adjutant.container import labels
from koji_adjutant.testbed.content import BUILD_TAG, HOST, TAG, TARGET, Content, fill
from koji_adjutant.testbed.distribution.recipe import read_groups
from koji_adjutant.testbed.distribution.task_image import Podman, build
from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.server import EmbeddedHub
from koji_adjutant.testbed.packages_source import INSTALL_GROUPS
from koji_adjutant.testbed.tasks import family, fault_of, new_repo, wait_task
from tests.hubs import ADMIN, ADMIN_PASSWORD
from tests.integration.running import Testbed
from tests.integration.workers.worker import UID, log_of
from tests.kdc import REALM, kdc
from tests.unit.hub.tls_hub import Authority
from tests.waiting import eventually

pytestmark = pytest.mark.podman

FILES = Path(__file__).with_name("koji_boxed")
IMAGE = "localhost/koji-boxed-worker:test"
NAME = "koji-worker-1"
WORKER = f"worker/{NAME}"
PRINCIPAL = f"{WORKER}@{REALM}"
BUILD_SECONDS = 300.0


@pytest.fixture(scope="module")
def boxed_image(testbed: Testbed, worker_image: str) -> Iterator[str]:
    podman = Podman(socket=Path(testbed.engine.socket), environment=testbed.engine.environment)
    build(podman, FILES / "Containerfile", FILES, ("--tag", IMAGE), {"BASE_IMAGE": worker_image})
    yield IMAGE
    testbed.engine.podman("rmi", "--force", IMAGE)


@dataclass(frozen=True, kw_only=True)
class Boxed:
    """The hub of a koji-box, its administrator, and the worker's container."""

    testbed: Testbed
    hub: EmbeddedHub
    admin: Any

    def podman(self, *arguments: str) -> str:
        return self.testbed.engine.podman(*arguments)

    @property
    def log(self) -> str:
        return log_of(self.testbed, NAME)

    def is_ready(self) -> bool:
        assert self.podman("inspect", "--format={{.State.Status}}", NAME).strip() == "running", self.log
        return bool(self.admin.getHost(WORKER)["ready"])

    def upload(self, srpm: str) -> str:
        directory = self.hub.topdir / "work/cli-build/boxed"
        directory.mkdir(parents=True)
        copy(srpm, directory)
        return f"cli-build/boxed/{Path(srpm).name}"


def variables(hub: EmbeddedHub, keytab: Path, testbed: Testbed) -> Mapping[str, str]:
    """Those of koji-box; and which image tasks have, which its kojid.conf cannot say."""
    return {
        "BUILDER_MAX_JOBS": "10",
        "BUILDER_ARGS": " --force-lock --verbose",
        "KOJI_TOP_DIR": "/mnt/koji",
        "KOJI_HUB_URL": hub.url,
        "KOJI_TOP_URL": hub.topurl,
        "KOJI_WORKER_KEYTAB": keytab.name,
        "KOJID_PRINC": PRINCIPAL,
        "KOJI_ADJUTANT_TASK_IMAGE_DEFAULT": testbed.description.task_image,
        "KOJI_ADJUTANT_IMAGE_PULL_POLICY": "never",
        "KOJI_ADJUTANT_MAX_LOAD_PER_CPU": "1000",
        "KOJI_ADJUTANT_MONITORING_ENABLED": "no",
    }


def content(testbed: Testbed) -> Content:
    groups = read_groups()
    return Content(
        arch=testbed.description.arch,
        external_repo=testbed.description.external_repo,
        packages=("hello",),
        groups={name: groups[name] for name in INSTALL_GROUPS},
    )


@pytest.fixture
def boxed(testbed: Testbed, boxed_image: str, group_socket: None, tmp_path: Path) -> Iterator[Boxed]:
    """A hub that has no repo yet, and the worker, which has started."""
    authority = Authority.made(tmp_path / "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.signed("hub", extension="subjectAltName=IP:127.0.0.1"))
    with kdc(tmp_path / "kdc") as realm:
        service, own = realm.keytab("HTTP/127.0.0.1"), realm.keytab(WORKER)
        options = HubOptions(run_interval=0)
        with EmbeddedHub(tmp_path / "hub", options, tls=context, keytab=service) as hub:
            hub.bootstrap(ADMIN, ADMIN_PASSWORD)
            trust = {"user": ADMIN, "password": ADMIN_PASSWORD, "serverca": str(authority.certificate)}
            admin: Any = koji.ClientSession(hub.url, trust)
            admin.login()
            fill(admin, content(testbed))
            admin.disableHost(HOST)
            hub.accounts.add_host(WORKER, "unused-7", arches=(testbed.description.arch,), principal=PRINCIPAL)
            orch = tmp_path / "orch"
            orch.mkdir()
            copy(authority.certificate, orch / "ca.crt")
            copy(own, orch)
            made = Boxed(testbed=testbed, hub=hub, admin=admin)
            mounts = {
                str(hub.topdir): "/mnt/koji",
                testbed.engine.socket: "/run/podman/podman.sock",
                str(orch): "/orch",
                realm.environment["KRB5_CONFIG"]: "/etc/krb5.conf",
            }
            made.podman(
                *("run", "--detach", f"--name={NAME}", "--network=host", "--security-opt=label=disable"),
                *(f"--volume={source}:{target}" for source, target in mounts.items()),
                *(f"--env={name}={value}" for name, value in variables(hub, own, testbed).items()),
                boxed_image,
            )
            try:
                yield made
            finally:
                made.podman("stop", "--ignore", "--time=30", NAME)
                made.podman("rm", "--force", "--ignore", "--time=0", NAME)
                admin.logout()
                admin.rsession.close()


def test_it_makes_a_repo_and_builds(boxed: Boxed, testbed: Testbed) -> None:
    admin = boxed.admin
    eventually(boxed.is_ready, "the worker takes tasks", seconds=BUILD_SECONDS)
    # What its health check looks for, and as whom it runs.
    processes = boxed.podman("exec", NAME, "ps", "-eo", "uid,args").splitlines()
    (main,) = [line.split() for line in processes if "python" in line and "kojid --fg --force-lock" in line]
    assert int(main[0]) == UID
    log = boxed.log
    assert f"Our /mnt/koji is the engine's {boxed.hub.topdir}\n" in log
    assert "Our / is the engine's /" in log

    new_repo(admin, BUILD_TAG, timeout=BUILD_SECONDS)
    number = admin.build(boxed.upload(testbed.srpm("hello")), TARGET)
    task = wait_task(admin, number, timeout=BUILD_SECONDS)
    assert task.state == "CLOSED", fault_of(admin, number) + boxed.log
    worker = admin.getHost(WORKER)["id"]
    tasks = [admin.getTaskInfo(one.id) for one in family(admin, number)]
    assert {one["method"]: one["host_id"] for one in tasks} == dict.fromkeys(
        ("build", "buildArch", "rebuildSRPM", "tagBuild"), worker
    )
    (made,) = admin.listTagged(TAG, package="hello")
    packages = Path(koji.PathInfo(str(boxed.hub.topdir)).build(made))
    rpms = admin.listBuildRPMs(made["build_id"])
    assert {"src", testbed.description.arch} <= {rpm["arch"] for rpm in rpms}
    for rpm in rpms:
        assert (packages / koji.pathinfo.rpm(rpm)).stat().st_size == rpm["size"]
    assert (packages / "data/logs" / testbed.description.arch / "build.log").stat().st_size

    boxed.podman("stop", "--time=30", NAME)
    assert not boxed.podman("ps", "--all", "--quiet", f"--filter=label={labels.TASK}").split()
