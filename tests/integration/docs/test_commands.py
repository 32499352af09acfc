"""A clean machine becomes a build host by what README and operating.md say, word for word, and is none again.

A block of a document is commands when its first word is a program's; other blocks are configuration. Each command is
run once, in the order in which a user would; what is in capitals is the reader's own.
"""

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.testbed.content import BUILD_TAG, HOST, TARGET
from koji_adjutant.testbed.engine.processes import command_line
from tests.integration.conftest import command, running_testbed
from tests.integration.docs.machine import ROOT, Done, Machine, build_host
from tests.integration.running import Testbed
from tests.waiting import eventually

OPERATING = ROOT / "docs/operating.md"
README = ROOT / "README.md"
OTHERS = (ROOT / "docs/security.md", ROOT / "docs/compatibility.md", ROOT / "docs/monitoring.md")
PROGRAMS = {
    "du",
    "koji",
    "koji-adjutant",
    "kojid",
    "pip",
    "podman",
    "rm",
    "systemctl",
    "systemd-sysusers",
    "systemd-tmpfiles",
}
OWN = {"HOST": HOST, "TAG": BUILD_TAG, "TARGET": TARGET}
BLOCK = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
HEADING = re.compile(r"^#{2,3} (.*)$", re.MULTILINE)
INSTALL, BACK = "Install, on a host that ran kojid", "Back to kojid"
BUILDROOTS = "Buildroots that are kept ready"
OF_BUILDS = rf"{BUILD_TAG}\s+\S+\s+build\s"
"""The line of a buildroot image: tag, arch, group."""
BUILD_SECONDS = 180.0
WITHOUT_ENGINE = "KOJI_ADJUTANT_PODMAN_SOCKET=/run/podman/away.sock"
IMAGE_SECONDS = 180.0
"""It is made when no task runs, or two minutes later."""


def sections(file: Path) -> dict[str, list[str]]:
    """The commands of a document, by heading."""
    found: dict[str, list[str]] = {}
    parts = HEADING.split(file.read_text())
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        blocks = [block.replace("\n    ", "\n")[4:].splitlines() for block in BLOCK.findall(text)]
        lines = [
            line for block in blocks if block[0].split()[0] in PROGRAMS for line in block if line.strip()
        ]
        if lines:
            found[title] = lines
    return found


class Reader:
    """Who follows a document: every command has to succeed."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.done: list[str] = []

    def follow(self, lines: list[str], *, may_fail: tuple[str, ...] = ()) -> list[Done]:
        found = []
        for line in lines:
            words = re.sub(r"\b(HOST|TAG|TARGET)\b", lambda match: OWN[match[0]], line)
            done = self.machine.run(words)
            logs = "" if done.status == 0 else self.machine.run("tail -n 20 /var/log/journal/*").output
            assert done.status == 0 or line.startswith(may_fail), f"{words}\n{done.output}\n{logs}"
            self.done.append(line)
            found.append(done)
        return found


@pytest.fixture(scope="module")
def own_testbed() -> Iterator[Testbed]:
    with running_testbed(lambda layout: command(layout, "up", "--detach", "--run-interval=0")) as running:
        yield running


@pytest.fixture(scope="module")
def machine(own_testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with build_host(own_testbed, tmp_path_factory.mktemp("host")) as machine:
        yield machine


def watch_a_build(testbed: Testbed) -> None:
    """The first package: it is seen on the pages while it is built, and then with what it cost."""
    address = f"http://{testbed.config.monitoring_bind}"
    done = testbed.koji("build", "--nowait", TARGET, testbed.srpm("hello"))
    task = int(re.findall(r"Created task: (\d+)", done.stdout)[0])
    running = f"{address}/api/v1/tasks?outcome=running"
    eventually(lambda: "buildArch" in page(running), "the build is seen", seconds=BUILD_SECONDS)
    assert "hello" in page(address + "/status")
    assert testbed.wait_task(task, timeout=BUILD_SECONDS).state == "CLOSED"
    eventually(lambda: "buildArch" in page(f"{address}/api/v1/tasks?outcome=closed"), "its end is seen")


def page(url: str) -> str:
    """A page as a browser has it, which says that it wants one."""
    request = urllib.request.Request(url, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        text: str = answer.read().decode()
    return text


def test_a_host_that_ran_kojid(machine: Machine, own_testbed: Testbed) -> None:
    operating = sections(OPERATING)
    reader = Reader(machine)
    # There is no unit of koji-builder on this machine.
    reader.follow(operating.pop(INSTALL), may_fail=("systemctl disable",))
    watch_a_build(own_testbed)
    status = machine.run("koji-adjutant status")
    assert status.status == 0, status.output
    assert "FAILURE  engine.socket" in machine.run(f"{WITHOUT_ENGINE} koji-adjutant doctor engine").output
    back = operating.pop(BACK)
    eventually(
        lambda: re.search(OF_BUILDS, machine.run("koji-adjutant buildroots list").output),
        "the buildroot is kept",
        seconds=IMAGE_SECONDS,
    )
    reader.follow(operating.pop(BUILDROOTS))
    for lines in (*operating.values(), *(lines for page in OTHERS for lines in sections(page).values())):
        reader.follow(lines)
    before = machine.run("cat /var/lib/koji-adjutant/main").output
    assert before
    reader.follow(back)
    assert not [command_line(pid) for pid in machine.processes()], "nothing of ours runs any more"
    assert machine.run("ls /usr/local/lib/systemd/system").output.strip() == ""
    assert own_testbed.session.getHost(HOST)["enabled"] is False
    pages = (OPERATING, *OTHERS)
    commands = {line for page in pages for lines in sections(page).values() for line in lines}
    assert commands == set(reader.done)


def test_readme_says_the_same() -> None:
    """What README has of it stands in operating.md, in the same order."""
    install = [line.partition("  #")[0].strip() for line in sections(OPERATING)[INSTALL]]
    short = [line.partition("  #")[0].strip() for line in sections(README)["Install"]]
    assert short == [line for line in install if line in short]
