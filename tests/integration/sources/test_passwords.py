"""A password of a URL, a login of a site, a key: known to the server that they are for, and to nobody else."""

import json
from collections.abc import Iterator

import koji
import pytest

from tests.integration.configured import configured_sections
from tests.integration.sources.site import Site
from tests.integration.test_secrets import command_lines, files, inspected_containers, secrets_in
from tests.scm.git_repository import GitRepository
from tests.scm.packages import spec
from tests.waiting import eventually

pytestmark = pytest.mark.podman


def told(site: Site) -> list[str]:
    """Where the site's secrets stand, of all that the testbed has written."""
    key = site.ssh.identity.read_text().splitlines()[2]
    secrets = [secret.encode() for secret in (site.web.password, site.elsewhere.password, key)]
    return [line for path in files(site.testbed) for line in secrets_in(path, secrets)]


@pytest.fixture(scope="module")
def private(site: Site) -> GitRepository:
    """git/private.git."""
    repository = site.git_repository("git/private.git")
    repository.commit({"p.spec": spec("p")})
    return repository


def with_password(site: Site, path: str) -> str:
    return f"git+http://{site.web.login}@{site.web.address}/{path}#main"


def test_a_password_is_refused_and_not_told(site: Site, private: GitRepository) -> None:
    assert private.path.is_dir()
    failure = site.failure(with_password(site, "private/private.git"), koji.GenericError)
    assert failure.text.startswith("username:password format not supported: packager:")
    assert site.web.password not in failure.text
    assert not told(site)


def test_a_login_is_wanted_and_there_is_none(site: Site, private: GitRepository) -> None:
    assert private.path.is_dir()
    failure = site.failure(site.url("private/private.git", "main"))
    assert failure.text.startswith('Error running GIT command "git clone -n ')


@pytest.fixture(scope="module")
def trusting(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A builder that takes passwords of URLs, and has a netrc of its own for another server."""
    user, _, password = site.elsewhere.login.partition(":")
    netrc = tmp_path_factory.mktemp("netrc") / "netrc"
    netrc.touch(mode=0o600)
    netrc.write_text(f"machine {site.elsewhere.host} login {user} password {password}\n")
    sections = {"kojid": {"allow_password_in_scm_url": "yes"}, "adjutant": {"scm_netrc": str(netrc)}}
    with configured_sections(site.testbed, sections):
        yield site


def test_a_password_is_for_its_server(trusting: Site, private: GitRepository) -> None:
    site = trusting
    number = site.submit(with_password(site, "private/private.git"))
    seen: set[bytes] = set()

    def ended() -> bool:
        seen.update(command_lines())
        seen.update(json.dumps(one).encode() for one in inspected_containers(site.testbed))
        return site.testbed.session.getTaskInfo(number)["state"] not in (0, 1, 4)

    eventually(ended, "the task ends")
    srpm = site.made_by(number)
    assert srpm.commit == private.git("rev-parse", "main")
    assert site.web.login.partition(":")[0] not in srpm.source
    assert site.web.paths(site.web.login)
    assert not [line for line in seen if site.web.password.encode() in line]
    assert not told(site)


def test_a_password_is_not_told_of_a_checkout_that_fails(trusting: Site) -> None:
    site = trusting
    failure = site.failure(with_password(site, "private/none.git"))
    assert failure.text.startswith('Error running GIT command "git clone -n ')
    assert site.web.password not in failure.text
    assert not told(site)


def test_a_password_does_not_go_where_a_redirect_leads(trusting: Site, private: GitRepository) -> None:
    assert private.path.is_dir()
    site = trusting
    before = len(site.elsewhere.asked)
    site.made(with_password(site, f"redirect/{site.elsewhere.address}/git/private.git"))
    asked = site.elsewhere.asked[before:]
    assert asked
    assert not [request for request in asked if site.web.password in request.login]


def test_a_netrc_of_the_site(trusting: Site, private: GitRepository) -> None:
    site = trusting
    url = f"git+http://{site.elsewhere.address}/private/private.git#main"
    assert site.made(url).commit == private.git("rev-parse", "main")
    assert site.elsewhere.paths(site.elsewhere.login)
    assert not told(site)
