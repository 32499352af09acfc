"""Solutions on disk."""

from pathlib import Path

import pytest

from koji_adjutant.buildroot.install.solutions import Solution, SolutionCache, SolvedPackage, solution_key
from tests.unit.buildroot.fake_repo import package_row

KEY = solution_key("digest", {"arch": "x86_64"}, "group", "build")
SOLUTION = Solution(
    install=(SolvedPackage.from_json(package_row("bash-5-1.x86_64")),), remove=frozenset({"dash-1-1.x86_64"})
)


def test_a_solution_comes_back(tmp_path: Path) -> None:
    cache = SolutionCache(tmp_path)
    assert cache.get(KEY) is None
    cache.put(KEY, SOLUTION)
    assert SolutionCache(tmp_path).get(KEY) == SOLUTION
    assert cache.get(solution_key("digest", {"arch": "i686"}, "group", "build")) is None
    assert [path.name for path in cache.directory.iterdir()] == [f"{KEY}.json"]


def spoilt(text: str) -> list[str]:
    return [
        "",
        text[:-10],
        text.replace('"format": 2', '"format": 0'),
        text.replace(KEY, "0" * 64),
        text.replace('"nevra"', '"navra"'),
        "[]",
    ]


@pytest.mark.parametrize("number", range(6))
def test_a_file_that_is_not_right_is_none(tmp_path: Path, number: int) -> None:
    cache = SolutionCache(tmp_path)
    cache.put(KEY, SOLUTION)
    path = cache.directory / f"{KEY}.json"
    path.write_text(spoilt(path.read_text())[number])
    assert cache.get(KEY) is None
    cache.put(KEY, SOLUTION)
    assert cache.get(KEY) == SOLUTION
