"""What a repository may hold that no packager would commit: it is refused, or it is what kojid makes of it."""

from pathlib import Path

import pytest

from tests.integration.sources.site import Site
from tests.scm.git_repository import MAIN, Content, GitRepository, Link, Submodule, lfs_pointer
from tests.scm.packages import below, spec

pytestmark = pytest.mark.podman

SECRET = "/etc/shadow"
REGULAR, DIRECTORY = "100644", "40000"


def test_no_spec_file(site: Site) -> None:
    site.git_repository("git/no-spec.git").commit({"README": "nothing", "sub/p.spec": spec("p")})
    assert site.failure(site.url("git/no-spec.git", "main")).text == "No spec file found"


def test_several_spec_files(site: Site) -> None:
    site.git_repository("git/two.git").commit({"a.spec": spec("a"), "b.spec": spec("b")})
    failure = site.failure(site.url("git/two.git", "main"))
    told = "Multiple spec files found but none is matching SCM checkout dir name: "
    assert failure.text.startswith(told)
    assert {"a.spec", "b.spec"} <= {name.strip("'\"[],").rpartition("/")[2] for name in failure.text.split()}


def test_what_a_spec_file_may_not_begin_with(site: Site) -> None:
    expected = {
        "Packager: me\n": "Packager is not allowed to be set in spec file",
        "Vendor: me\n": "Vendor is not allowed to be set in spec file",
        "Distribution: mine\n": "Distribution is not allowed to be set in spec file",
        "%define packager me\n": "packager is not allowed to be defined in spec file",
    }
    repository = site.git_repository("git/begins.git")
    commits = [repository.commit({"p.spec": spec("p", head=head)}, ref=MAIN) for head in expected]
    tasks = [site.submit(site.url("git/begins.git", commit)) for commit in commits]
    assert [site.failure_of(number).text for number in tasks] == list(expected.values())


def test_a_spec_file_that_is_none(site: Site) -> None:
    site.git_repository("git/nonsense.git").commit({"p.spec": "\x00\x1b[2J nonsense"})
    failure = site.failure(site.url("git/nonsense.git", "main"))
    assert failure.text.startswith("error building srpm, ")
    assert failure.text.isprintable()


def test_names_that_are_as_good_as_any(site: Site) -> None:
    """Of different case, with a newline, with what shells take for something else; submodules, and pointers."""
    pointer = lfs_pointer(b"large")
    files: dict[str, Content] = {
        "p.spec": spec("p", "Source0: readme\nSource1: README\nSource2: large"),
        "readme": "small",
        "README": "LARGE",
        "two\nlines": "",
        "-rf *; $(id)": "",
        "\u202etxt.exe": "",
        "large": pointer,
        ".gitattributes": "large filter=lfs diff=lfs merge=lfs -text\n",
        ".gitmodules": '[submodule "sub"]\n\tpath = sub\n\turl = http://127.0.0.1:1/sub.git\n',
        "sub": Submodule("22" * 20),
    }
    site.git_repository("git/names.git").commit(files)
    srpm = site.made(site.url("git/names.git", "main"))
    assert [srpm.content(name) for name in ("readme", "README", "large")] == [
        b"small",
        b"LARGE",
        pointer.encode(),
    ]


def test_links_within_the_tree(site: Site) -> None:
    files: dict[str, Content] = {
        "p.spec": Link("real/p.spec"),
        "real/p.spec": spec("p", "Source0: text"),
        "text": Link("real/text"),
    }
    site.git_repository("git/links.git").commit({**files, "real/text": "text"})
    assert site.made(site.url("git/links.git", "main")).content("text") == b"text"


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("spec", {"p.spec": Link(SECRET)}),
        ("climbing-spec", {"p.spec": Link("../" * 20 + SECRET[1:])}),
        ("directory", {"SPECS": Link("/etc")}),
        ("device", {"p.spec": Link("/dev/zero")}),
        ("loop", {"p.spec": Link("p.spec")}),
    ],
)
def test_a_spec_file_that_is_elsewhere(site: Site, name: str, files: dict[str, Link]) -> None:
    site.git_repository(f"git/elsewhere-{name}.git").commit(dict(files))
    failure = site.failure(site.url(f"git/elsewhere-{name}.git", "main"))
    assert "spec file" in failure.text
    secret = Path(SECRET).read_text().splitlines()[0]
    assert not any(secret in log.read_text(errors="replace") for log in failure.logs.iterdir())


def test_a_source_that_is_elsewhere_is_one_of_the_buildroot(site: Site) -> None:
    """As with mock: a link is followed where the source package is made, which is not this host."""
    files: dict[str, Content] = {"p.spec": spec("p", "Source0: passwd"), "passwd": Link("/etc/passwd")}
    site.git_repository("git/elsewhere.git").commit(files)
    srpm = site.made(site.url("git/elsewhere.git", "main"))
    assert b"mockbuild" in srpm.content("passwd")


def test_a_tree_that_leads_out_of_itself(site: Site) -> None:
    """Trees that git would not write: it does not check them out either."""
    repository = site.git_repository("git/climbing.git")
    file = repository.blob(spec("p").encode())
    inner = repository.tree([(REGULAR, b"p.spec", file)])
    for name in (b"..", b".git", b".GIT", b"a/../../b"):
        ref = f"refs/heads/{name.hex()}"
        entries = [(DIRECTORY, name, inner), (REGULAR, b"p.spec", file)]
        repository.commit_of_tree(sorted(entries, key=lambda one: one[1]), ref=ref)
        failure = site.failure(site.url("git/climbing.git", ref))
        assert failure.text.startswith('Error running GIT command "git '), name


def wide(repository: GitRepository, *, depth: int, breadth: int) -> None:
    """A tree of breadth ** depth files, all the same, in as many objects as it is deep."""
    entry = (REGULAR, repository.blob(b""))
    for _ in range(depth):
        entries = [(entry[0], f"{number:04}".encode(), entry[1]) for number in range(breadth)]
        entry = (DIRECTORY, repository.tree(entries))
    top = [(REGULAR, b"p.spec", repository.blob(spec("p").encode())), (DIRECTORY, b"wide", entry[1])]
    repository.commit_of_tree(top)


def test_more_files_than_a_checkout_may_have(site: Site) -> None:
    wide(site.git_repository("git/million.git"), depth=2, breadth=1000)
    failure = site.failure(site.url("git/million.git", "main"))
    assert "scm_tree_files" in failure.text


def test_more_files_than_git_can_list(site: Site) -> None:
    """Ten thousand million, in ten objects: git is busy with its index for as long as it is let, and writes no file."""
    wide(site.git_repository("git/bomb.git"), depth=10, breadth=10)
    failure = site.failure(site.url("git/bomb.git", "main"))
    assert "scm_timeout" in failure.text


def test_more_bytes_than_a_checkout_may_have(site: Site) -> None:
    """150 MB, that are next to nothing in a pack."""
    files: dict[str, Content] = {"p.spec": spec("p"), "zeros": bytes(150 << 20)}
    site.git_repository("git/zeros.git").commit(files)
    failure = site.failure(site.url("git/zeros.git", "main"))
    assert "scm_tree_size" in failure.text


def test_the_limits_are_for_one_tree(site: Site) -> None:
    """What is next to them is built."""
    files = {f"directory/{number}": "" for number in range(1000)}
    site.git_repository("git/many.git").commit({**below("x", files), "p.spec": spec("p")})
    assert site.made(site.url("git/many.git", "main")).files == {"p.spec"}
