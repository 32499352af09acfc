"""A task is taken away, in each of its phases: two seconds after the sign nothing of it runs, and nothing is left."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import koji
import pytest

from koji_adjutant.container.interface import ContainerInfo
from koji_adjutant.container.labels import ROLE, Role
from koji_adjutant.host.files import replace_json
from koji_adjutant.hub.claim import FILE
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.tasks import task_of
from tests.integration.cancel.conftest import STUBBORN, WITH_HANGING, Sources
from tests.integration.cancel.measure import Ending, Running, Watch, inhabited, name
from tests.integration.running import Testbed
from tests.pace import slowness
from tests.waiting import eventually

pytestmark = [pytest.mark.podman, pytest.mark.timing]

DEAD = 2.0
"""Seconds, as all of these on an idle machine."""
SIGN = 2.0
"""The testbed polls every second; what it does besides takes its time on a busy machine."""
GONE = 10.0
UNEXPIRED = [koji.BR_STATES[state] for state in ("INIT", "WAITING", "BUILDING")]
OTHER_HOST = "builder-elsewhere"
TREE = f"""\
%build
for number in 1 2 3; do (setsid sh -c "{STUBBORN}" &); done
echo the tree grows
{STUBBORN}
"""
TALKS = """\
%build
trap '' TERM INT HUP QUIT PIPE
echo the tree grows
while :; do echo and grows; sleep 0.1; done
"""
LARGE = """\
%install
mkdir -p %{buildroot}
truncate -s 120M %{buildroot}/large
"""


def quick(ending: Ending) -> None:
    now = slowness()
    assert ending.dead <= DEAD * now, ending
    assert ending.sign <= SIGN * now, ending
    assert ending.gone <= GONE * now, ending


def building(sources: Sources, watch: Watch, name: str, body: str = TREE) -> tuple[int, Running]:
    """A build in %build, and its buildArch task."""
    parent = sources.build(name, body=body)
    task = watch.running(watch.child(parent))
    log = watch.testbed.output(task_of(watch.testbed.session, task.task)) / "build.log"
    eventually(lambda: log.exists() and "the tree grows" in log.read_text(), f"{name} is in %build")
    return parent, task


def canceled(testbed: Testbed, *tasks: int) -> None:
    assert {task_of(testbed.session, task).state for task in tasks} == {"CANCELED"}


def test_in_a_build_that_ignores_signals(testbed: Testbed, sources: Sources, watch: Watch) -> None:
    """By the client, from the top: the parent waits for its subtask, and both end."""
    parent, task = building(sources, watch, "stubborn")
    tasks = (watch.running(parent), task)
    quick(
        watch.end(
            "in %build, and the parent waiting for it", lambda: testbed.koji("cancel", str(parent)), *tasks
        )
    )
    canceled(testbed, parent, task.task)


def test_in_a_build_that_talks(testbed: Testbed, sources: Sources, watch: Watch) -> None:
    """Its next upload is refused, before the poll."""
    parent, task = building(sources, watch, "talks", TALKS)
    quick(watch.end("in %build that talks", lambda: testbed.session.cancelTask(parent), task))


def forget_gap(testbed: Testbed) -> None:
    """As on a host whose daemon has been up for more than a few minutes: what is freed there is not taken back."""
    contact = testbed.layout.state_dir / FILE
    replace_json(contact, {**json.loads(contact.read_text()), "gap_end": 0.0})


@contextmanager
def no_more_tasks(testbed: Testbed) -> Iterator[None]:
    """In this context the hub gives the host none."""
    testbed.session.disableHost(HOST)
    try:
        yield
    finally:
        testbed.session.enableHost(HOST)


def test_freed_on_the_hub(testbed: Testbed, sources: Sources, watch: Watch) -> None:
    parent, task = building(sources, watch, "freed")
    forget_gap(testbed)
    # Or else what is waited for may be its next run, whose namespaces have the numbers of the last one's.
    with no_more_tasks(testbed):
        quick(watch.end("freed on the hub", lambda: testbed.session.freeTask(task.task), task))
    # It comes back to this host, and runs again.
    again = watch.running(task.task, after=task.process)
    watch.end("opened again", lambda: testbed.session.cancelTask(parent), again)
    canceled(testbed, parent, task.task)


@pytest.fixture
def other_host(testbed: Testbed) -> Iterator[str]:
    testbed.session.addHost(OTHER_HOST, [testbed.description.arch])
    yield OTHER_HOST
    testbed.session.disableHost(OTHER_HOST)


def test_given_to_another_host(testbed: Testbed, sources: Sources, watch: Watch, other_host: str) -> None:
    parent, task = building(sources, watch, "reassigned")
    give = lambda: testbed.session.assignTask(task.task, other_host, force=True)  # noqa: E731
    quick(watch.end("given to another host", give, task))
    assert testbed.session.getTaskInfo(task.task)["host_id"] != testbed.session.getHost(HOST)["id"]
    testbed.session.cancelTask(parent)


def programs(watch: Watch, containers: list[ContainerInfo]) -> list[int]:
    """What runs in them. Not by control group: an ordinary user's engine has none where nothing is delegated."""
    return list(inhabited(watch.worlds(containers)))


def stop(watch: Watch, task: int, role: Role) -> None:
    """Stop the program of a container as soon as it runs: on a busy machine it has ended before the engine says so."""
    found: list[ContainerInfo] = []

    def look() -> bool:
        if not found:
            found.extend(one for one in watch.containers(task) if one.labels.get(ROLE) == role)
        stopped = [pid for pid in programs(watch, found) if name(pid) == "python3"]
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return bool(stopped)

    eventually(look, f"a {role} runs for task {task}")


@pytest.mark.parametrize("what", ["group", "requires"])
def test_solving(testbed: Testbed, sources: Sources, watch: Watch, what: str) -> None:
    """The solver is stopped, so that it takes for ever."""
    if what == "group":
        parent = sources.build("solves-group", target=WITH_HANGING)
    else:
        parent = sources.build("solves-requires", head="BuildRequires: cancel-marker")
    task = watch.running(watch.child(parent))
    stop(watch, task.task, Role.SOLVER)
    quick(watch.end(f"solving ({what})", lambda: testbed.session.cancelTask(parent), task))


@pytest.mark.parametrize("what", ["group", "requires"])
def test_installing(testbed: Testbed, sources: Sources, watch: Watch, what: str) -> None:
    if what == "group":
        parent = sources.build("installs-group", target=WITH_HANGING)
    else:
        parent = sources.build("installs-requires", head="BuildRequires: cancel-hangs")
    task = watch.running(watch.child(parent))
    watch.wait_for_role(task.task, Role.INSTALLER)
    log = testbed.output(task_of(testbed.session, task.task)) / "root.log"
    eventually(lambda: "cancel-hangs-1-1" in read(log), "the scriptlet runs")
    phase = {"group": "populating", "requires": "installing BuildRequires"}[what]
    quick(watch.end(phase, lambda: testbed.session.cancelTask(parent), task))


def read(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""


def test_uploading(testbed: Testbed, sources: Sources, watch: Watch) -> None:
    parent = sources.build("large", body=LARGE, files="/large", head="%define _binary_payload w0.gzdio")
    task = watch.running(watch.child(parent))
    output = testbed.output(task_of(testbed.session, task.task))
    eventually(lambda: any(output.glob("large-1-1.noarch.rpm")), "the package is uploaded")
    quick(watch.end("uploading", lambda: testbed.session.cancelTask(parent), task))
    canceled(testbed, parent, task.task)
    (part,) = output.glob("large-1-1.noarch.rpm")
    assert part.stat().st_size < 120 << 20


def test_nothing_is_left(testbed: Testbed, watch: Watch) -> None:
    """Of all of them: no container but those of images, no buildroot that is not expired."""
    assert not [one for one in watch.manager.find({}) if one.labels.get(ROLE) != Role.IMAGE]
    eventually(lambda: not testbed.session.listBuildroots(state=UNEXPIRED), "all buildroots are expired")
