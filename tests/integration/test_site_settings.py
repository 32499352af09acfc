"""What a site has set for its builds in kojid.conf, as a build sees it."""

import os

import pytest

from koji_adjutant.testbed.tasks import Task
from tests.contract.signer import signing_socket
from tests.integration.configured import configured_sections
from tests.integration.packages import source_package
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman

GROUP = 2991
"""Of the host, which need not have a name for it."""
ASK = (
    'perl -MIO::Socket::UNIX -e \'my $signer = IO::Socket::UNIX->new(Peer => "/run/signer/socket") '
    'or die "not let in: $!"; print "peer ", <$signer>;\''
)


@pytest.fixture(scope="module")
def built(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Testbed, Task]:
    """A build on a host with limits for processes, and a socket that is open to a group.

    The limits are soft ones: a daemon that has lowered a hard one cannot raise it again for the tests that follow.
    """
    directory = tmp_path_factory.mktemp("site")
    signer = directory / "signer"
    signer.mkdir(mode=0o700)
    script = f'echo "limits $(ulimit -Sn) $(ulimit -Sc) $(ulimit -Ss) groups $(id -G)"\n{ASK}'
    head = "BuildArch: noarch\nBuildRequires: perl-base"
    srpm = source_package(directory, "site-settings", head=head, build=script)
    with (
        signing_socket(signer / "socket", 0o660),
        configured_sections(
            testbed,
            {
                "kojid": {"RLIMIT_NOFILE": "2000", "RLIMIT_CORE": "0", "RLIMIT_STACK": "4194304"},
                "adjutant": {"build_mounts": f"{signer}:/run/signer:rw,gid={GROUP}"},
            },
        ),
    ):
        for path, mode in ((signer, 0o710), (signer / "socket", 0o660)):
            os.chown(path, 0, GROUP)
            path.chmod(mode)
        made = testbed.build(srpm, "--scratch")
    assert made.returncode == 0, made.output
    return testbed, made.task("buildArch")


def log_of(built: tuple[Testbed, Task], name: str) -> list[str]:
    testbed, task = built
    return (testbed.output(task) / name).read_text().splitlines()


def test_limits_of_processes_hold_in_builds(built: tuple[Testbed, Task]) -> None:
    assert f"limits 2000 0 4096 groups 135 {GROUP}" in log_of(built, "build.log")
    assert any("RLIMIT_NOFILE = 2000 " in line for line in log_of(built, "mock_config.log"))


def test_a_socket_of_the_host_is_open_to_a_build(built: tuple[Testbed, Task]) -> None:
    (peer,) = [line for line in log_of(built, "build.log") if line.startswith("peer ")]
    assert peer == "peer 1000 135"
    said = [line for line in log_of(built, "mock_config.log") if "mount /run/signer" in line]
    assert f"(writable, in group {GROUP} of the host)" in said[0]
