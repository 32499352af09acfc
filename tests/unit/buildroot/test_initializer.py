"""What root.log says of packages that came with an image."""

from koji_adjutant.buildroot.initializer import came_with
from koji_adjutant.buildroot.install.solutions import Solution, SolvedPackage


def solved(nevra: str) -> SolvedPackage:
    return SolvedPackage(nevra=nevra, size=1, checksum_kind="sha256", checksum="00", file="x")


def test_a_title_and_a_line_for_each() -> None:
    solution = Solution(install=(solved("bash-5-1.x86_64"), solved("zlib-1-1.x86_64")), remove=frozenset())
    assert came_with("localhost/base:1", "base", solution).decode().splitlines() == [
        "install group: 2 packages, from image localhost/base:1",
        "Install    bash-5-1.x86_64",
        "Install    zlib-1-1.x86_64",
    ]


def test_what_went_for_it_is_named_too() -> None:
    solution = Solution(install=(), remove=frozenset({"b-1-1.noarch", "a-1-1.noarch"}))
    assert came_with("i", "requires", solution).decode().splitlines() == [
        "BuildRequires: 0 packages, from image i",
        "Remove     a-1-1.noarch",
        "Remove     b-1-1.noarch",
    ]


def test_a_name_that_is_no_text_is_a_line_all_the_same() -> None:
    solution = Solution(install=(solved("odd\udcff-1-1.noarch"),), remove=frozenset())
    assert b"odd\xff-1-1.noarch\n" in came_with("i", "base", solution)
