"""The topdir on NFS, for root or not, and its server away for two minutes. Run on the machine, by pytest.

The hub has its files where they are; the builder sees them by way of an NFS server on the machine's loopback.
"""

import gzip
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import koji
import pytest

from koji_adjutant.testbed.content import BUILD_TAG, HOST, TAG
from tests.platforms.machine.inside.host import SLOW, Host, processes, run, say
from tests.platforms.machine.inside.installed import installed_host
from tests.platforms.machine.inside.places import CONF
from tests.waiting import eventually, lasts

AWAY_SECONDS = 120.0
SILENT_SECONDS = 60.0
"""The hub takes a host for dead that has been silent for three times as long."""
MOUNT = Path("/mnt/koji")
SERVER = """\
[nfsd]
vers3=n
grace-time=10
lease-time=10
"""
SOURCES = {"no_root_squash": "hello", "root_squash": "noarch"}
"""What is built for each: packages that are new in the tag, so that its repo is made anew."""
PACKAGES = "{http://linux.duke.edu/metadata/repo}data[@type='primary']"


@pytest.fixture(scope="module")
def host() -> Host:
    found = installed_host()
    run("systemctl", "stop", "kojid")
    text, changed = re.subn(r"(?m)^topdir = .*$", f"topdir = {MOUNT}", CONF.read_text())
    assert changed == 1
    CONF.write_text(text)
    MOUNT.mkdir(parents=True)
    Path("/etc/nfs.conf.d/test.conf").write_text(SERVER)
    return found


@pytest.fixture(params=["no_root_squash", "root_squash"])
def served(host: Host, request: pytest.FixtureRequest) -> Iterator[str]:
    """The builder runs on what the server gives it, root's rights included or not."""
    path = host.description.topdir
    Path("/etc/exports").write_text(f"{path} 127.0.0.1(rw,{request.param},no_subtree_check,fsid=1)\n")
    run("systemctl", "start", "nfs-server")
    run("mount", "-t", "nfs4", "-o", "hard,vers=4.2", f"127.0.0.1:{path}", MOUNT)
    run("systemctl", "start", "kojid")
    eventually(host.is_ready, "the hub knows that the host is ready", seconds=SLOW)
    yield request.param
    run("systemctl", "stop", "kojid")
    run("umount", MOUNT)
    run("systemctl", "stop", "nfs-server")


def counted(host: Host, repo: int) -> int:
    """The packages of a repo, by its own metadata."""
    directory = Path(host.description.topdir, "repos", BUILD_TAG, str(repo), host.description.arch)
    entry = ET.parse(directory / "repodata/repomd.xml").find(PACKAGES)
    assert entry is not None
    location = entry.find("{http://linux.duke.edu/metadata/repo}location")
    assert location is not None
    with gzip.open(directory / location.attrib["href"]) as file:
        root = ET.parse(file).getroot()
    found = int(root.attrib["packages"])
    assert found == len(root.findall("{http://linux.duke.edu/metadata/common}package"))
    return found


def built(host: Host, name: str) -> int:
    """How many packages of the build of that name belong into a repo: no source, and nothing for debuggers."""
    (build,) = host.admin.listTagged(TAG, package=name)
    rpms = host.admin.listRPMs(buildID=build["build_id"])
    return sum(rpm["arch"] != "src" and not koji.is_debuginfo(rpm["name"]) for rpm in rpms)


def newest_repo(host: Host) -> int:
    return int(host.admin.getRepo(BUILD_TAG)["id"])


def held(program: bytes) -> int:
    """A process of that program, stopped as soon as it is there."""
    found = eventually(lambda: list(processes(program)), f"{program!r} runs", seconds=SLOW, step=0.005)
    os.kill(found[0], signal.SIGSTOP)
    return found[0]


def silence(host: Host) -> float:
    """Seconds since the hub has heard of the host."""
    number = host.admin.getHost(HOST)["id"]
    return time.time() - float(host.admin.getLastHostUpdate(number, ts=True))


def test_a_server_that_is_away_is_waited_for(host: Host, served: str, tmp_path: Path) -> None:
    host.closed(host.build(Path(host.description.srpms[SOURCES[served]]), scratch=False))
    lasting = host.lasting_build(tmp_path)
    build = host.rpmbuild()
    during = host.admin.newRepo(BUILD_TAG)
    createrepo = held(b"createrepo_c")
    before = newest_repo(host)
    whole = counted(host, before) + built(host, SOURCES[served])
    run("systemctl", "stop", "nfs-server")
    began = time.monotonic()
    os.kill(createrepo, signal.SIGCONT)
    after = host.build(Path(host.description.srpms["hello"]))
    host.let_go()

    lasts(lambda: silence(host) < SILENT_SECONDS, "the hub hears of it", seconds=AWAY_SECONDS, step=2.0)
    say(f"away for {time.monotonic() - began:.0f} s, of {served}; tasks: {host.states(during)}")
    assert newest_repo(host) == before
    run("systemctl", "start", "nfs-server")
    for task in (during, lasting, after):
        host.closed(task)
    assert newest_repo(host) != before
    assert counted(host, newest_repo(host)) == whole
    assert not build.is_there()
    # And one that begins while it is away.
    run("systemctl", "stop", "nfs-server")
    late = host.admin.newRepo(BUILD_TAG)
    lasts(lambda: silence(host) < SILENT_SECONDS, "the hub hears of it", seconds=AWAY_SECONDS, step=2.0)
    run("systemctl", "start", "nfs-server")
    host.closed(late)
    assert counted(host, newest_repo(host)) == whole
