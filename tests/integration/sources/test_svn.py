"""Source packages of Subversion repositories, by its own protocol and over ssh."""

import pytest

from tests.integration.sources.site import Site, url_of
from tests.scm.packages import distribution_package, spec

pytestmark = pytest.mark.podman


def test_a_module_at_a_revision_by_itself_and_over_ssh(site: Site) -> None:
    repository = site.svn_repository("svn/packages")
    first = repository.add("trunk/hello", distribution_package("hello"))
    repository.add("trunk/hello/later", {"text": "later"})
    urls = [
        url_of(start, "svn/packages", str(first), module="trunk/hello")
        for start in (f"svn://{site.svn}", f"svn+ssh://{site.ssh.address}")
    ]
    for url, number in zip(urls, [site.submit(url) for url in urls], strict=True):
        srpm = site.made_by(number)
        # Subversion's revision is what it is: the URL says all.
        assert srpm.result["source"] == {"url": url, "source": url}
        assert srpm.files == {"hello.spec", "hello-1.0.tar.gz"}
        assert "svn checkout" in srpm.log("checkout.log")
        assert "later" not in srpm.log("checkout.log")


def test_a_common_directory_lies_beside(site: Site) -> None:
    repository = site.svn_repository("svn/common/packages")
    repository.add("common", {"Makefile.common": "sources:\n\tcp ../common/text text\n", "text": "common"})
    files = {"Makefile": "include ../common/Makefile.common\n", "p.spec": spec("p", "Source0: text")}
    revision = repository.add("p", files)
    srpm = site.made(url_of(f"svn://{site.svn}", "svn/common/packages", str(revision), module="p"))
    assert srpm.content("text") == b"common"


def test_a_revision_that_is_not_there(site: Site) -> None:
    site.svn_repository("svn/short").add("p", {"p.spec": spec("p")})
    failure = site.failure(url_of(f"svn://{site.svn}", "svn/short", "99", module="p"))
    command = f"svn checkout -r 99 svn://{site.svn}/svn/short/p p"
    assert failure.text == f'Error running SVN command "{command}", see checkout.log for details'
    assert "No such revision 99" in failure.log()


def test_ssh_wants_a_user(site: Site) -> None:
    failure = site.failure(f"svn+ssh://{site.ssh.host}:{site.ssh.port}/svn/packages?trunk/hello#1")
    assert failure.text == "No user specified for repository access scheme: svn+ssh://"
