"""Servers that never answer, never end, fail or lead elsewhere: each costs one task its time, and the host nothing."""

import pytest

from koji_adjutant.testbed.content import HOST
from tests.integration.sources.site import Site
from tests.scm.packages import spec
from tests.scm.processes import free_port

pytestmark = pytest.mark.podman

LOG_LIMIT = 64 << 20
NEVER_ENDING = ("hang", "trickle", "endless/refs", "endless/words", "endless/object")


def test_servers_that_never_end(site: Site) -> None:
    """All at once, since each takes as long as a server may."""
    tasks = {trouble: site.submit(site.url(f"{trouble}/x.git", "main")) for trouble in NEVER_ENDING}
    for trouble, number in tasks.items():
        failure = site.failure_of(number)
        assert "checkout" in failure.text, trouble
        assert failure.text.isprintable()
        assert (failure.logs / "checkout.log").stat().st_size <= LOG_LIMIT
    assert site.testbed.session.getHost(HOST)["ready"]


def test_a_server_that_fails(site: Site) -> None:
    failure = site.failure(site.url("error/x.git", "main"))
    assert failure.text.startswith(f'Error running GIT command "git clone -n {site.web.url}/error/x.git ')
    assert "500" in failure.log()


def test_a_server_that_is_not_there(site: Site) -> None:
    url = f"http://{site.web.host}:{free_port(site.web.host)}/git/x.git"
    failure = site.failure(f"git+{url}#main")
    assert failure.text.startswith(f'Error running GIT command "git clone -n {url} ')


def test_a_redirect_is_followed_as_git_does(site: Site) -> None:
    """Forges lead from one name of a repository to another; what is asked there is asked without a login."""
    commit = site.git_repository("git/moved.git").commit({"p.spec": spec("p")})
    before = len(site.elsewhere.asked)
    srpm = site.made(site.url(f"redirect/{site.elsewhere.address}/git/moved.git", "main"))
    assert srpm.commit == commit
    asked = site.elsewhere.asked[before:]
    assert asked
    assert not any(request.login for request in asked)
