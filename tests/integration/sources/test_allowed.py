"""What may be built from, by the builder's configuration and by the hub's policy, and what either says besides."""

import json
from collections.abc import Iterator

import pytest

from koji_adjutant.testbed.hub.people.policies import FILE
from tests.integration.configured import configured
from tests.integration.sources.site import Site
from tests.scm.packages import spec

pytestmark = pytest.mark.podman

WORDS = "words:\n\techo $(VALUE) >text\nsources:\n\techo by default >text\n"
PACKAGE = {"p.spec": spec("p", "Source0: text"), "Makefile": WORDS}
RULES = [
    "match scm_repository /git/denied/* :: deny not from there",
    "match scm_repository /git/words/* :: allow make words VALUE=three",
    "match scm_repository /git/lookaside/* :: allow use_common",
    "bool scratch :: allow none",
    "all :: deny",
]


def test_a_host_that_is_not_allowed(site: Site) -> None:
    failure = site.failure("git+http://127.0.0.1:1/git/x.git#main")
    assert failure.text == "127.0.0.1:1:/git/x.git is not in the list of allowed SCMs"
    assert not site.testbed.session.listBuildroots(taskID=failure.task.id)


def test_the_first_match_decides(site: Site) -> None:
    """Of what is blocked, a later match would allow it."""
    before = len(site.web.asked)
    failure = site.failure(site.url("git/blocked/x.git", "main"))
    assert failure.text == f"{site.web.address}:/git/blocked/x.git is not in the list of allowed SCMs"
    assert len(site.web.asked) == before


def test_the_command_of_a_match(site: Site) -> None:
    """Its words are those between the commas; there is none, or that which Koji has by default."""
    for directory in ("words", "lookaside", "plain"):
        text = {"text": "committed\n"} if directory == "plain" else {}
        site.git_repository(f"git/{directory}/allowed.git").commit({**PACKAGE, **text})
    found = {
        directory: site.submit(site.url(f"git/{directory}/allowed.git", "main"))
        for directory in ("words", "lookaside", "plain")
    }
    texts = {directory: site.made_by(number).content("text") for directory, number in found.items()}
    assert texts == {"words": b"two\n", "lookaside": b"by default\n", "plain": b"committed\n"}


def test_a_command_that_fails(site: Site) -> None:
    failing = {"p.spec": spec("p"), "Makefile": "sources:\n\techo no sources today; exit 3\n"}
    site.git_repository("git/lookaside/failing.git").commit(failing)
    failure = site.failure(site.url("git/lookaside/failing.git", "main"))
    assert failure.text.startswith("error retrieving sources, ")
    named = next(name for name in ("build.log", "root.log", "mock_output.log") if name in failure.text)
    assert "no sources today" in failure.log(named)


@pytest.fixture(scope="module")
def by_policy(site: Site) -> Iterator[Site]:
    """The builder leaves it to the hub, whose policy is RULES."""
    file = site.testbed.topdir.with_name(FILE)
    file.write_text(json.dumps({"build_from_scm": RULES}))
    options = {"allowed_scms_use_config": "no", "allowed_scms_use_policy": "yes"}
    with configured(site.testbed, section="kojid", **options):
        yield site
    file.unlink()


def test_what_the_policy_denies(by_policy: Site) -> None:
    site = by_policy
    denied = site.failure(site.url("git/denied/x.git", "main"))
    told = f"SCM: {site.web.address}:/git/denied/x.git is not allowed, reason: "
    assert denied.text == f"{told}not from there"
    without = site.failure(site.url("git/x.git", "main"))
    assert without.text == f"SCM: {site.web.address}:/git/x.git is not allowed, reason: None"


def test_what_the_policy_says_of_a_command(by_policy: Site) -> None:
    site = by_policy
    site.git_repository("git/words/policy.git").commit(PACKAGE)
    assert site.made(site.url("git/words/policy.git", "main")).content("text") == b"three\n"
    site.git_repository("git/scratch/policy.git").commit({**PACKAGE, "text": "committed\n"})
    srpm = site.made(site.url("git/scratch/policy.git", "main"), scratch=True)
    assert srpm.content("text") == b"committed\n"


def test_a_policy_asks_for_a_common_repository(by_policy: Site) -> None:
    """Without these words of it there is none; and its command is that of Koji's by default."""
    site = by_policy
    makefile = {"Makefile": "sources:\n\tcp ../common/text text\n"}
    site.git_repository("git/lookaside/policy/p.git").commit({**PACKAGE, **makefile})
    site.git_repository("git/lookaside/policy/common.git").commit({"text": "common"})
    assert site.made(site.url("git/lookaside/policy/p.git", "main")).content("text") == b"common"
