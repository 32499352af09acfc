"""The hub's own tasks that restart a host or shut it down, as administrators make them."""

import pytest

from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.tasks import family
from tests.integration.restart.running_builds import Host, wait_for_end

pytestmark = pytest.mark.podman


def test_restart_hosts(host: Host) -> None:
    main = host.main()
    assert main
    said = host.testbed.koji("restart-hosts", "--wait")
    assert said.returncode == 0, said.stdout + said.stderr
    (parent,) = host.testbed.session.listTasks({"method": "restartHosts"}, {"order": "-id", "limit": 1})
    tasks = {task.method: task.state for task in family(host.testbed.session, parent["id"])}
    assert tasks == {"restartHosts": "CLOSED", "restart": "CLOSED", "restartVerify": "CLOSED"}
    assert host.main() == main, "systemd follows the process that it started"
    assert host.log.count("Starting up") >= 2


def test_shutdown(host: Host) -> None:
    main = host.main()
    assert main
    task = host.testbed.session.makeTask("shutdown", [])
    wait_for_end(main.pid)
    assert not host.testbed.session.getHost(HOST)["ready"]
    assert host.open_sessions() == 0
    assert host.testbed.wait_task(task).state == "CLOSED"
    host.start()
    assert host.main(), "it was shut down once"
