"""A repo and a build of what distribution the machine's hub has. Run on the machine, by pytest."""

from tests.platforms.machine.inside.host import containers
from tests.platforms.machine.inside.installed import installed_host


def test_a_build_is_as_everywhere() -> None:
    host = installed_host()
    host.hello()
    host.leave()
    assert not containers()
