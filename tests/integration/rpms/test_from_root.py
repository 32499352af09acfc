"""The daemon of the installed packages, started in their root: it builds, and is upgraded in the middle of a build."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant import __version__
from koji_adjutant.journal.phases import HostEvent
from koji_adjutant.journal.reader import read
from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.content import TARGET
from koji_adjutant.testbed.layout import layout_at
from tests.integration.packages import source_package
from tests.integration.restart.running_builds import BUILD, STARTING, Host, eventually
from tests.integration.restart.test_builds_go_on import adopted, finish, starts
from tests.integration.restart.test_upgrade import of_its_own
from tests.integration.rpms.root import Root
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman


@pytest.fixture
def own(testbed: Testbed, base: Root, tmp_path: Path) -> Iterator[Root]:
    """A root that sees the testbed's engine and topdir; the daemon that the testbed has is stopped meanwhile."""
    shared = (testbed.layout.directory, Path(testbed.engine.socket).parent, tmp_path / "host")
    (tmp_path / "host").mkdir()
    before = Host(testbed=testbed)
    before.terminate()
    yield base.copy(tmp_path / "root", *shared)
    services.stop(layout_at(tmp_path / "host").record(builder.DAEMON), grace=60)
    before.start()


def host_of(root: Root, testbed: Testbed, directory: Path) -> Host:
    """A build host whose daemon is the root's, with what its version knows of the testbed's kojid.conf."""
    made = of_its_own(testbed, directory, root.options())
    root.program("kojid", directory)
    return Host(testbed=made, programs=directory)


def build_hello(testbed: Testbed) -> None:
    done = testbed.build(testbed.srpm("hello"), "--scratch", target=TARGET)
    assert done.returncode == 0, done.output


def test_hello_is_built_from_the_root(own: Root, testbed: Testbed, tmp_path: Path) -> None:
    host = host_of(own, testbed, tmp_path / "host")
    host.start()
    build_hello(testbed)
    shown = own.run("koji-adjutant", "status", "--state-dir", host.testbed.layout.state_dir)
    assert "takes tasks" in shown
    host.terminate()


def test_an_upgrade_in_the_middle_of_a_build(
    own: Root, released: dict[str, Path], testbed: Testbed, tmp_path: Path
) -> None:
    own.dnf("remove", "koji-adjutant")
    own.dnf("install", "koji-adjutant", repos=released)
    host = host_of(own, testbed, tmp_path / "host")
    host.start()
    main = host.main()
    assert main
    own.give_systemctl(main.pid)
    running = host.build(source_package(tmp_path, "patient", build=BUILD))
    before, reloads = starts(host, running), host.log.count(STARTING)

    said = own.dnf("upgrade", "koji-adjutant")
    assert "goes on as it was" not in said, said
    asked = own.asked_of_systemd()
    assert "reload kojid.service" in asked
    assert not [line for line in asked if "restart kojid.service" in line or "stop" in line]
    eventually(lambda: host.log.count(STARTING) > reloads, "the new version has started")
    assert host.main() == main
    adopted(host, running)
    assert starts(host, running) == before
    finish(host, running)
    events = read(host.testbed.layout.journal).events
    started = [event.details for event in events if event.name == HostEvent.DAEMON_STARTED.value]
    assert [(one["version"], one["anew"]) for one in started] == [(__version__, True)]
    host.terminate()
