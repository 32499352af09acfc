"""Back to Koji's own kojid in five steps: each of them is run here, as far as it can be without that program."""

import configparser
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.keys import EMPTY_IMAGE, REPOSITORY
from koji_adjutant.config.load import ROWS
from koji_adjutant.config.option import Place
from koji_adjutant.container import labels
from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.tasks import task_of
from tests.integration.restart.installations import Installation, tree_wheel
from tests.integration.restart.running_builds import Host
from tests.integration.restart.test_upgrade import of_its_own

pytestmark = pytest.mark.podman

STRIP = ("sed", "-i", "-e", r"/^\[adjutant\]/,$d", "-e", "/^adjutant_/d")
"""What takes our options out of a kojid.conf, whose last section is [adjutant]."""


@pytest.fixture
def installed(host: Host, tmp_path: Path) -> Iterator[tuple[Host, Installation]]:
    """A build host on which this version runs, installed by pip."""
    wheel = tmp_path / "wheel"
    wheel.mkdir()
    installation = Installation.make(tmp_path / "prefix")
    installation.install(tree_wheel(wheel))
    host.prune()
    host.terminate()
    made = Host(
        testbed=of_its_own(host.testbed, tmp_path / "host", installation.options()),
        programs=installation.programs,
    )
    made.start()
    yield made, installation
    services.stop(made.testbed.layout.record(builder.DAEMON), grace=60)
    host.testbed.session.enableHost(HOST)


def test_five_steps(installed: tuple[Host, Installation], patient: Path, tmp_path: Path) -> None:
    host, installation = installed
    session, podman = host.testbed.session, host.testbed.engine.podman
    conf, root = host.testbed.layout.kojid_conf, tmp_path / "root"
    units = ("install-units", f"--root={root}", "--prefix=/usr")
    assert installation.run(*units).returncode == 0
    assert list(root.rglob("kojid.service"))
    task = host.build_arch(host.upload(patient))
    host.running(task)
    worker = host.state.worker()

    # 1. koji disable-host HOST
    session.disableHost(HOST)
    # 2. systemctl disable --now kojid: SIGTERM
    host.terminate()
    assert task_of(session, task).state == "FREE"
    assert not host.containers(f"{labels.WORKER}={worker}")
    assert host.open_sessions() == 0
    session.cancelTask(task)
    # 3. koji-adjutant buildroots prune --all; podman rmi of what is not of a tag
    said = installation.run("buildroots", "prune", "--all", f"--config={conf}")
    assert said.returncode == 0, said.stderr
    podman("rmi", "--ignore", EMPTY_IMAGE)
    for name in (REPOSITORY, EMPTY_IMAGE.partition(":")[0]):
        assert not podman("images", "--quiet", f"--filter=reference={name}")
    # 4. koji-adjutant install-units --remove; pip uninstall; the directories
    said = installation.run(*units, "--remove")
    assert said.returncode == 0, said.stderr
    assert not [path for path in root.rglob("*") if path.is_file()]
    installation.uninstall()
    assert not list(installation.prefix.rglob("*adjutant*"))
    assert not (installation.programs / "kojid").exists()
    subprocess.run(["rm", "-r", str(host.testbed.layout.state_dir)], check=True)
    # 5. kojid.conf as Koji's kojid reads it, which ends at an option that it does not know
    subprocess.run([*STRIP, str(conf)], check=True)
    parser = configparser.RawConfigParser()
    parser.read(conf)
    assert parser.sections() == ["kojid"]
    known = {key for place, key in ROWS if place is Place.KOJID}
    assert {key for key in parser["kojid"] if not re.match("rlimit_", key)} <= known
