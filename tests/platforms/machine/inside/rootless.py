"""An unprivileged user's builder on a real systemd, set up as docs/rootless.md says. Run on the machine, by pytest."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.testbed.distribution.task_image import TASK_REFERENCE
from tests.integration.docs.machine import ROOT
from tests.integration.docs.test_commands import BLOCK
from tests.integration.packages import source_package
from tests.integration.test_limits import LIMITED, WANTS_MORE, make_limited_target
from tests.platforms.machine.inside.host import SLOW, Host, build_host, run, show
from tests.platforms.machine.inside.installed import commands
from tests.platforms.machine.inside.places import CACHE, CONF, LAYOUT
from tests.waiting import eventually

PAGE = ROOT / "docs/rootless.md"
USER = "koji"
AS_USER = ("systemd-run", "--quiet", "--wait", "--pipe", f"--machine={USER}@.host", "--user")
ARCHIVE = Path("/var/tmp/task-image.tar")
OF_MEMORY_AND_PROCESSES = WANTS_MORE[:2]
"""What a control group enforces; the disk is looked at by a process."""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    before, _ = commands()
    *installed, start = before
    assert start.startswith("systemctl enable --now")
    for line in installed:
        run("bash", "-c", line)
    set_up, options = BLOCK.findall(PAGE.read_text())
    shutil.rmtree(CACHE)
    for directory in (LAYOUT.directory, LAYOUT.hub):
        directory.chmod(0o711)
    run("bash", "-ec", set_up)
    uid = run("id", "--user", USER).stdout.strip()
    assert f"/run/user/{uid}/" in options
    give_images()
    configure(options)
    run("bash", "-c", start)
    found = build_host()
    eventually(found.is_ready, "the hub knows that the host is ready", seconds=SLOW)
    yield found
    found.leave()
    # Those in which images are made go by themselves.
    eventually(
        lambda: not as_user("podman", "ps", "--all", "--quiet").split(),
        "nothing is left",
        seconds=SLOW,
        step=1.0,
    )


def give_images() -> None:
    """The task image, which a site would pull."""
    run("podman", "save", "--quiet", f"--output={ARCHIVE}", TASK_REFERENCE)
    ARCHIVE.chmod(0o644)
    as_user("podman", "load", "--quiet", f"--input={ARCHIVE}")
    ARCHIVE.unlink()


def configure(options: str) -> None:
    """What is the page's is added to [adjutant]. A machine without network has no other than the host's."""
    lines = [line.strip().replace("slirp4netns", "host") for line in options.strip().splitlines()]
    text = CONF.read_text()
    for line in lines:
        name = line.partition(" = ")[0]
        text = re.sub(rf"(?m)^{name} = .*\n", "", text)
    CONF.write_text(text.replace("[adjutant]\n", "\n".join(["[adjutant]", *lines, ""])))
    shutil.chown(CONF, USER)


def as_user(*argv: str | Path) -> str:
    return run(*AS_USER, *argv).stdout


def test_the_daemon_is_the_users(host: Host) -> None:
    assert show("User") == USER
    said = as_user(Path(sys.executable).with_name("koji-adjutant"), "doctor")
    assert "rootless" in said
    assert Path("/sys/fs/cgroup/user.slice").is_dir()


def test_a_build_is_as_everywhere(host: Host) -> None:
    host.hello()


@pytest.mark.parametrize(
    ("name", "script", "said"), OF_MEMORY_AND_PROCESSES, ids=[one[0] for one in OF_MEMORY_AND_PROCESSES]
)
def test_limits_hold_where_controllers_are_delegated(
    host: Host, tmp_path: Path, name: str, script: str, said: str
) -> None:
    admin = host.admin
    if admin.getTag(LIMITED) is None:
        make_limited_target(admin, host.description.arch)
        host.closed(admin.newRepo(LIMITED))
    srpm = source_package(tmp_path, name, head="BuildArch: noarch", build=script)
    assert said in host.fault(host.build(srpm, target=LIMITED), "buildArch")
