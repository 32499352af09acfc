"""A repo and a build of what distribution the machine's hub has. Run on the machine, by pytest."""

from pathlib import Path

from koji_adjutant.testbed.content import BUILD_TAG
from tests.platforms.hello import told
from tests.platforms.machine.inside.host import containers, say
from tests.platforms.machine.inside.installed import installed_host


def test_a_build_is_as_everywhere() -> None:
    host = installed_host()
    host.closed(host.admin.newRepo(BUILD_TAG))
    host.closed(host.build(Path(host.description.srpms["hello"]), scratch=False))
    say(told(Path(host.description.topdir)))
    assert not containers()
