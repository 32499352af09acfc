"""URLs that lead nowhere, or where they may not: what kojid's users read of them, and nothing done."""

import koji
import pytest

from tests.integration.sources.site import Site
from tests.scm.packages import spec

pytestmark = pytest.mark.podman


@pytest.fixture(scope="module")
def plain(site: Site) -> str:
    """The path of a repository that has nothing wrong."""
    site.git_repository("git/plain.git").commit({"p.spec": spec("p")})
    return "git/plain.git"


def test_urls_that_are_none(site: Site) -> None:
    host = site.web.address
    expected = {
        f"ftp://{host}/git/x.git#main": "Invalid scheme in scm url. Valid schemes are: ",
        f"git+file:///{host}/git/x.git#main": "Invalid scheme in scm url. Valid schemes are: ",
        f"git+http://{host}/git/x.git": "Could not find the fragment element.",
        f"git+http://{host}#main": "Could not find the path element.",
        f"git+http://{host}/git/x.git;a=b#main": "Params element a=b should be empty.",
        f"git+http://one@two@{host}/git/x.git#main": "Invalid username@hostname specified: ",
    }
    before = len(site.web.asked)
    tasks = {url: site.submit(url) for url in expected}
    for url, number in tasks.items():
        failure = site.failure_of(number, koji.GenericError)
        assert expected[url] in failure.text
        assert not site.testbed.session.listBuildroots(taskID=number)
    assert len(site.web.asked) == before


def test_urls_whose_parts_a_program_would_take_for_something_else(site: Site, plain: str) -> None:
    """Options, other directories: refused before anything is asked."""
    before = len(site.web.asked)
    urls = [
        site.url(plain, "--upload-pack=touch /tmp/here"),
        site.url(plain, "main", module="../../etc"),
        site.url(plain, "main", module="/etc"),
        f"git+ssh://-oProxyCommand=id@{site.web.address}/{plain}#main",
    ]
    for number in [site.submit(url) for url in urls]:
        failure = site.failure_of(number)
        assert " of an SCM URL cannot be " in failure.text
        assert failure.text.isprintable()
    assert len(site.web.asked) == before


def test_a_path_with_escapes(site: Site) -> None:
    """It is what it stands for; a path that climbs is looked at where it leads to."""
    path = "git/with space.git"
    commit = site.git_repository(path).commit({"p.spec": spec("p")})
    escaped = path.replace(" ", "%20")
    srpm = site.made(site.url(escaped, "main"))
    assert srpm.source == site.url(escaped, commit)
    climbing = site.failure(site.url("git/x/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "main"))
    assert climbing.text == f"{site.web.address}:/etc/passwd is not in the list of allowed SCMs"


def test_no_repo_of_packages(site: Site, plain: str) -> None:
    failure = site.failure(site.url(plain, "main"), repo_id=0)
    assert failure.text == "A repo id must be provided"


@pytest.mark.parametrize("revision", ["no-such-branch", "11" * 20, "refs/merge-requests/7/head"])
def test_a_revision_that_is_not_there(site: Site, plain: str, revision: str) -> None:
    failure = site.failure(site.url(plain, revision))
    command = f"git reset --hard {revision}"
    assert failure.text == f'Error running GIT command "{command}", see checkout.log for details'
    assert command in failure.log()


def test_a_repository_that_is_not_there(site: Site) -> None:
    failure = site.failure(site.url("git/none.git", "main"))
    command = f"git clone -n {site.web.url}/git/none.git "
    assert failure.text.startswith(f'Error running GIT command "{command}')
    assert "not found" in failure.log()


def test_an_empty_repository(site: Site) -> None:
    site.git_repository("git/empty.git")
    failure = site.failure(site.url("git/empty.git", "main"))
    assert failure.text.startswith('Error running GIT command "git reset --hard main"')


def test_a_module_that_is_not_there(site: Site, plain: str) -> None:
    failure = site.failure(site.url(plain, "main", module="none"))
    assert failure.text == "No spec file found"
