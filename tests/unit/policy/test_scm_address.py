"""What programs and the hub are given of an SCM URL."""

import pytest
from koji.daemon import SCM

from koji_adjutant.errors import BuildFailed
from koji_adjutant.policy.scm_address import ScmAddress, is_commit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def address(url: str) -> ScmAddress:
    return ScmAddress.of(SCM(url, allow_password=True))


@pytest.mark.parametrize(
    ("given", "url", "common", "directory"),
    [
        ("git+https://h:8/a/b.git#x", "https://h:8/a/b.git", "https://h:8/a/common.git", "b"),
        ("git+https://u:pw@h/a/b?m/n#x", "https://u@h/a/b", "https://h/a/common", "b/m/n"),
        ("git://h/a/b/.git#x", "git://h/a/b/.git", "git://h/a/common/.git", "b"),
        ("git+rsync://h/b#x", "rsync://h/b", "rsync://h/common", "b"),
        ("git+http://h/a%20b#x", "http://h/a%20b", "http://h/common", "a%20b"),
        ("git+ssh://u@h/a/b#x", "git+ssh://u@h/a/b", "git+ssh://u@h/a/common", "b"),
        ("svn://u@h/a?m#1", "svn://h/a", "svn://h/a/common", "m"),
        ("svn+https://h/a?m/n#1", "https://h/a", "https://h/a/common", "m/n"),
        ("svn+ssh://u@h/a?m#1", "svn+ssh://u@h/a", "svn+ssh://u@h/a/common", "m"),
        ("svn://h/a#1", "svn://h/a", "svn://h/a/common", "."),
    ],
)
def test_what_programs_are_given(given: str, url: str, common: str, directory: str) -> None:
    found = address(given)
    assert (found.url, str(found.directory)) == (url, directory)
    assert found.common_url.replace("u@", "") == common.replace("u@", "")


def test_a_password_is_in_no_text() -> None:
    found = address("git+https://u:secret@h/a#x")
    assert found.password == "secret"
    assert "secret" not in f"{found} {found.url} {found.common_url} {found.source(COMMIT)}"


def test_the_source_is_the_url_at_the_commit() -> None:
    assert address("git+https://u@h:8/a/b?m#origin/x").source(COMMIT) == f"git+https://h:8/a/b?m#{COMMIT}"
    assert address("svn+http://h/a?m#7").source("") == "svn+http://h/a?m#7"


def test_what_a_server_is_asked_for() -> None:
    assert address("git://h/a#origin/x/y").fetched == "x/y"
    assert address("git://h/a#refs/merge-requests/1/head").fetched == "refs/merge-requests/1/head"


@pytest.mark.parametrize(
    "given",
    [
        "git://h/a#--upload-pack=x",
        "git://-oProxyCommand=x/a#r",
        "git://h/a#r\x01s",
        "git://h/a?../b#r",
        "git://h/a?/b#r",
        "svn://h/a?-r#1",
        "git://h/.git#r",
        f"git://h/{'a' * 256}#r",
    ],
)
def test_what_no_program_is_given(given: str) -> None:
    with pytest.raises(BuildFailed, match="of an SCM URL cannot be"):
        address(given)


def test_the_full_name_of_a_commit() -> None:
    assert is_commit(COMMIT)
    assert is_commit("a" * 64)
    assert not is_commit(COMMIT[1:])
    assert not is_commit(f"{COMMIT}\n")
