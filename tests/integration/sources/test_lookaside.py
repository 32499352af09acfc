"""Sources that are not in the repository: fetched in the buildroot, as the build user, with the site's credentials."""

import pytest

from koji_adjutant.testbed.content import BUILD_TAG
from tests.integration.sources.site import Site
from tests.scm.packages import distribution_package, downloading, spec

pytestmark = pytest.mark.podman

OFFLINE = "dist-md-offline"
SEEN = "%(test -e /credentials/netrc && echo seen || echo not seen)"
TARBALL = "hello-1.0.tar.gz"


def reached(site: Site) -> str:
    """A macro that asks a server when a spec file is read."""
    return f"%(curl --silent --max-time 5 {site.web.url}/lookaside/note || echo not reached)"


@pytest.fixture(scope="module")
def tarball(site: Site) -> bytes:
    """What the lookaside has."""
    hello = distribution_package("hello")
    (site.root / "lookaside" / TARBALL).write_bytes(hello[TARBALL])
    (site.root / "lookaside/note").write_text("reached")
    return hello[TARBALL]


def test_a_private_lookaside(site: Site, tarball: bytes) -> None:
    login = "--netrc-file /credentials/netrc"
    makefile = downloading(f"{site.web.url}/locked", [TARBALL], options=login)
    hello = {"hello.spec": distribution_package("hello")["hello.spec"], "Makefile": makefile.encode()}
    site.git_repository("git/lookaside/hello.git").commit(hello)
    srpm = site.made(site.url("git/lookaside/hello.git", "main"))
    assert srpm.content(TARBALL) == tarball
    assert f"/locked/{TARBALL}" in site.web.paths(site.web.login)


def test_a_lookaside_with_a_private_authority(site: Site, tarball: bytes) -> None:
    makefile = downloading(f"{site.tls.url}/lookaside", [TARBALL])
    hello = {"hello.spec": distribution_package("hello")["hello.spec"], "Makefile": makefile.encode()}
    site.git_repository("git/lookaside/tls.git").commit(hello)
    assert site.made(site.url("git/lookaside/tls.git", "main")).content(TARBALL) == tarball


def test_what_the_spec_file_sees(site: Site, tarball: bytes) -> None:
    """The network, as with kojid; and nobody's credentials."""
    assert tarball
    files = {"p.spec": spec("p", summary=f"{SEEN}, {reached(site)}"), "Makefile": "sources:\n\tid -un\n"}
    site.git_repository("git/lookaside/sees.git").commit(files)
    srpm = site.made(site.url("git/lookaside/sees.git", "main"))
    assert srpm.summary == "not seen, reached"
    assert "mockbuild" in srpm.log("root.log").splitlines()


@pytest.fixture(scope="module")
def offline_tag(site: Site) -> str:
    """A build tag whose packages are made source packages without a network."""
    admin = site.testbed.session
    admin.createTag(OFFLINE, parent=BUILD_TAG, arches=site.testbed.description.arch)
    admin.editTag2(OFFLINE, extra={"adjutant.srpm_network": False})
    site.testbed.regenerate(OFFLINE)
    return OFFLINE


def test_a_tag_that_wants_no_network_for_the_source_package(
    site: Site, tarball: bytes, offline_tag: str
) -> None:
    """Its sources are fetched all the same."""
    makefile = downloading(f"{site.web.url}/lookaside", [TARBALL])
    files = {"p.spec": spec("p", f"Source0: {TARBALL}", summary=reached(site)), "Makefile": makefile}
    site.git_repository("git/lookaside/offline.git").commit(files)
    srpm = site.made(site.url("git/lookaside/offline.git", "main"), tag=offline_tag)
    assert srpm.summary == "not reached"
    assert srpm.content(TARBALL) == tarball
