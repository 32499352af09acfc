"""Source packages of git repositories: every way to one, every kind of revision, every layout."""

from dataclasses import dataclass

import koji
import pytest

from tests.integration.sources.site import Site, url_of
from tests.scm.packages import below, distribution_package, in_directories, spec

pytestmark = pytest.mark.podman

HELLO_FILES = frozenset({"hello.spec", "hello-1.0.tar.gz"})
LOGS = {"build.log", "root.log", "state.log", "mock_output.log", "hw_info.log", "installed_pkgs.log"}


@dataclass(frozen=True, kw_only=True)
class Commits:
    """The commits of a repository of many references."""

    first: str
    branch: str
    tip: str
    request: str


@pytest.fixture(scope="module")
def commits(site: Site) -> Commits:
    """git/revisions.git: the summary of the package says which of its commits it is of."""
    repository = site.git_repository("git/revisions.git")

    def commit(summary: str, ref: str, parent: str = "") -> str:
        return repository.commit({"r.spec": spec("r", summary=summary)}, ref=ref, parent=parent)

    first = commit("first", "refs/heads/main")
    branch = commit("branch", "refs/heads/stable", first)
    request = commit("request", "refs/merge-requests/1/head", first)
    repository.point("refs/pull/1/head", request)
    repository.git("tag", "--annotate", "--message=The first", "v1", first)
    return Commits(first=first, branch=branch, tip=commit("tip", "refs/heads/main", first), request=request)


def test_every_kind_of_revision(site: Site, commits: Commits) -> None:
    expected = {
        commits.first: (commits.first, "first"),
        commits.first[:12]: (commits.first, "first"),
        "v1": (commits.first, "first"),
        "main": (commits.tip, "tip"),
        "stable": (commits.branch, "branch"),
        "origin/stable": (commits.branch, "branch"),
        "refs/heads/stable": (commits.branch, "branch"),
        "refs/merge-requests/1/head": (commits.request, "request"),
        "refs/pull/1/head": (commits.request, "request"),
        commits.request: (commits.request, "request"),
    }
    tasks = {revision: site.submit(site.url("git/revisions.git", revision)) for revision in expected}
    made = {revision: site.made_by(number) for revision, number in tasks.items()}
    assert {revision: (srpm.commit, srpm.summary) for revision, srpm in made.items()} == expected


@pytest.fixture(scope="module")
def hello(site: Site) -> str:
    """The commit of git/hello.git."""
    return site.git_repository("git/hello.git").commit(distribution_package("hello"))


def test_every_way_to_a_repository(site: Site, hello: str) -> None:
    starts = [
        f"git+http://{site.web.address}",
        f"git+https://{site.tls.address}",
        f"git+ssh://{site.ssh.address}",
        f"git://{site.git}",
    ]
    tasks = {start: site.submit(url_of(start, "git/hello.git", "main")) for start in starts}
    for start, number in tasks.items():
        srpm = site.made_by(number)
        asked = url_of(start, "git/hello.git", "main")
        # The user of a URL is nobody's business but the server's.
        told = asked.replace(f"{site.ssh.user}@", "").replace("#main", f"#{hello}")
        assert srpm.result["source"] == {"url": asked, "source": told}
        assert srpm.files == HELLO_FILES


def test_git_speaks_no_rsync(site: Site, hello: str) -> None:
    """A scheme that Koji still takes, and git has not had since 2.8."""
    url = f"rsync://{site.web.host}/git/hello.git"
    failure = site.failure(f"git+{url}#{hello}")
    assert failure.text.startswith(f'Error running GIT command "git clone -n {url} ')
    assert failure.text.endswith('", see checkout.log for details')
    assert "no longer supported" in failure.log()


def test_ssh_wants_a_user(site: Site, hello: str) -> None:
    failure = site.failure(f"git+ssh://{site.ssh.host}:{site.ssh.port}/git/hello.git#{hello}")
    assert failure.text == "No user specified for repository access scheme: git+ssh://"


def test_the_result_and_the_logs_are_those_of_kojid(site: Site, hello: str) -> None:
    srpm = site.made(site.url("git/hello.git", hello), scratch=True)
    directory = koji.pathinfo.taskrelpath(srpm.task.id)
    (buildroot,) = site.testbed.session.listBuildroots(taskID=srpm.task.id)
    assert set(srpm.result) == {"srpm", "logs", "brootid", "source"}
    assert srpm.result["srpm"] == f"{directory}/hello-1.0-1.md1.src.rpm"
    assert srpm.result["brootid"] == buildroot["id"]
    logs = {name.removeprefix(f"{directory}/") for name in srpm.result["logs"]}
    assert logs >= LOGS
    assert "checkout.log" not in logs
    assert {path.name for path in srpm.logs.iterdir()} == {*logs, "checkout.log", srpm.path.name}
    assert "Cloning into" in srpm.log("checkout.log")
    assert "git reset --hard" in srpm.log("checkout.log")


def test_a_site_s_gitconfig_has_a_say(site: Site, hello: str) -> None:
    srpm = site.made(site.url("another-name/hello.git", "main"))
    assert srpm.commit == hello


def test_sources_and_spec_in_directories_of_their_own(site: Site) -> None:
    files = in_directories(distribution_package("hello"))
    site.git_repository("git/layout.git").commit(files)
    assert site.made(site.url("git/layout.git", "main")).files == HELLO_FILES


def test_a_module_is_a_directory(site: Site) -> None:
    hello = distribution_package("hello")
    files = {**below("one/hello", hello), **below("two", in_directories(hello)), "top.spec": spec("top")}
    site.git_repository("git/modules.git").commit(files)
    tasks = [
        site.submit(site.url("git/modules.git", "main", module=module)) for module in ("one/hello", "two/")
    ]
    for number, module in zip(tasks, ("one/hello", "two"), strict=True):
        srpm = site.made_by(number)
        assert srpm.files == HELLO_FILES
        assert f"git/modules.git?{module}#" in srpm.source


def test_of_several_specs_that_of_the_directory(site: Site) -> None:
    specs = {f"{name}.spec": spec("any", summary=name) for name in ("other", "several", "zero")}
    repository = site.git_repository("git/several.git")
    repository.commit(specs)
    repository.commit(below("several", specs), ref="refs/heads/module")
    repository.commit(below("SPECS", specs), ref="refs/heads/layout")
    urls = [
        site.url("git/several.git", "main"),
        site.url("git/several.git", "module", module="several"),
        site.url("git/several.git", "layout"),
    ]
    assert [srpm.summary for srpm in map(site.made_by, map(site.submit, urls))] == ["several"] * 3


COMMON_MAKEFILE = "sources:\n\tcp ../common/text text\n"
OWN_MAKEFILE = "include ../common/Makefile.common\n"


def test_a_common_repository_lies_beside(site: Site) -> None:
    """Package files find it by ../common, from the top of their repository or from a module."""
    files = {"Makefile": OWN_MAKEFILE, "p.spec": spec("p", "Source0: text")}
    package = {**files, **below("module", files)}
    common = {"Makefile.common": COMMON_MAKEFILE, "text": "common"}
    for path in ("git/common/p.git", "git/common/bare/p/.git"):
        site.git_repository(path).commit(package)
        beside = path.replace("/p/", "/common/").replace("/p.git", "/common.git")
        site.git_repository(beside).commit(common)
    urls = [
        site.url("git/common/p.git", "main"),
        site.url("git/common/p.git", "main", module="module"),
        site.url("git/common/bare/p/.git", "main"),
    ]
    for srpm in map(site.made_by, [site.submit(url) for url in urls]):
        assert srpm.content("text") == b"common"


def test_a_common_repository_that_is_not_there(site: Site) -> None:
    site.git_repository("git/common/alone/p.git").commit({"p.spec": spec("p")})
    failure = site.failure(site.url("git/common/alone/p.git", "main"))
    command = f"git clone {site.web.url}/git/common/alone/common.git common"
    assert failure.text == f'Error running GIT command "{command}", see checkout.log for details'
