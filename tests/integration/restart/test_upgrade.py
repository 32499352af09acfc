"""An upgrade from the version that hosts have, in the middle of builds: nothing is begun anew, and nothing is lost."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from koji_adjutant import __version__
from koji_adjutant.container import labels
from koji_adjutant.journal.phases import HostEvent
from koji_adjutant.journal.reader import read
from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.content import TARGET
from koji_adjutant.testbed.layout import layout_at, write_secret
from koji_adjutant.testbed.tasks import family
from tests.integration.restart.installations import RELEASED, Installation, commit_wheel, tree_wheel
from tests.integration.restart.running_builds import STARTING, Host, eventually
from tests.integration.restart.test_builds_go_on import adopted, finish, starts
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """A build host with the released version, and the wheel of this one."""

    host: Host
    installation: Installation
    new: Path


@pytest.fixture
def upgrade(host: Host, tmp_path: Path) -> Iterator[Upgrade]:
    """Directories and kojid.conf are its own, hub and engine the testbed's, whose daemon is stopped meanwhile."""
    released, new = tmp_path / "released", tmp_path / "new"
    released.mkdir()
    new.mkdir()
    installation = Installation.make(tmp_path / "prefix")
    installation.install(commit_wheel(RELEASED, released))
    # Who shares an engine shares its images; here the old version is to make them.
    host.prune()
    host.terminate()
    old = Host(
        testbed=of_its_own(host.testbed, tmp_path / "host", installation.options()),
        programs=installation.programs,
    )
    old.start()
    yield Upgrade(host=old, installation=installation, new=tree_wheel(new))
    services.stop(old.testbed.layout.record(builder.DAEMON), grace=60)


def of_its_own(testbed: Testbed, directory: Path, known: Container[str]) -> Testbed:
    """The testbed as another installation of a build host has it, which knows the options `known`."""
    layout = layout_at(directory)
    layout.logs.mkdir(parents=True)
    builder.log_of(layout).touch()
    (directory / "hub").symlink_to(testbed.layout.hub)
    text = testbed.layout.kojid_conf.read_text().replace(str(testbed.layout.builder), str(layout.builder))
    lines = [line for line in text.splitlines() if "=" not in line or line.partition(" =")[0] in known]
    write_secret(layout.kojid_conf, "\n".join(lines))
    return replace(testbed, layout=layout)


def build_hello(host: Host) -> list[str]:
    """A scratch build of hello; the events of its buildArch task."""
    source = host.upload(Path(host.testbed.srpm("hello")))
    build = host.testbed.wait_task(host.testbed.session.build(source, TARGET, {"scratch": True}))
    assert build.state == "CLOSED", host.testbed.fault(build.id)
    found = next(task for task in family(host.testbed.session, build.id) if task.method == "buildArch")
    return host.events(found.id)


def requests(host: Host) -> int:
    """How many images are asked for, and not made."""
    return len(list(host.testbed.layout.state_dir.glob("cache/image-requests/*.json")))


def test_in_the_middle_of_a_build(upgrade: Upgrade, patient: Path) -> None:
    host, installation = upgrade.host, upgrade.installation
    main = host.main()
    assert main
    assert "populated" in build_hello(host)
    eventually(lambda: not requests(host), "the old version has made its images")
    running = host.build(patient)
    before = starts(host, running)

    installation.install(upgrade.new)
    reloads = host.log.count(STARTING)
    said = installation.run("reload", str(main.pid))
    assert said.returncode == 0, said.stderr
    eventually(lambda: host.log.count(STARTING) > reloads, "the new version has started")
    assert host.main() == main
    adopted(host, running)
    assert starts(host, running) == before
    finish(host, running)

    events = build_hello(host)
    assert "image-ready" in events
    assert "populated" not in events, "the image that the old version made was not used"
    reading = read(host.testbed.layout.journal)
    assert not reading.skipped
    started = [event.details for event in reading.events if event.name == HostEvent.DAEMON_STARTED.value]
    assert [(details["version"], details["anew"]) for details in started] == [(__version__, True)]
    host.terminate()
    assert not host.containers(f"{labels.WORKER}={host.state.worker()}")
    assert not list(host.state.tasks())
    assert not host.testbed.work_directories()
