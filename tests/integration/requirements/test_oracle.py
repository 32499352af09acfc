"""BuildRequires drawn by lot: the root that this machine's `dnf builddep` would make of each, and the solver's.

`make oracle` draws thousands; `--oracle-draws` and `--oracle-seed` say how many, and from which seed on.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.requirements.draws import draws
from tests.integration.requirements.oracle import Outcome, counted, outcomes

BLOCK = 200
"""Draws that are on disk at once."""
SHARE_OF_FEDORA = 4
CHANGED = 1 / 3


def solved(first: int, count: int, directory: Path) -> Iterator[Outcome]:
    """All draws with mock's options, and one in some with those of other sites."""
    for start in range(first, first + count, BLOCK):
        drawn = draws(start, min(BLOCK, first + count - start))
        for site, some in (
            ("mock", drawn),
            ("fedora", drawn[::SHARE_OF_FEDORA]),
            ("weak", drawn[1::SHARE_OF_FEDORA]),
        ):
            with tempfile.TemporaryDirectory(prefix="oracle-", dir=directory) as scratch:
                yield from outcomes(some, [site], Path(scratch))


def test_roots_are_those_that_dnf_would_make(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    count, seed = pytestconfig.getoption("--oracle-draws"), pytestconfig.getoption("--oracle-seed")
    found = list(solved(seed, count, tmp_path))
    verdicts = counted(found)
    of_mock = counted([outcome for outcome in found if outcome.case.site == "mock"])
    print(  # noqa: T201 - what `make oracle` is for
        f"{count} draws from seed {seed}: {dict(verdicts)}; with mock's options {dict(of_mock)}"
    )
    different = [str(outcome) for outcome in found if outcome.verdict == "differs"]
    assert not different, "\n".join([f"{len(different)} of {len(found)} differ:", *different[:10]])
    # Choices that are as good are none that one would notice, unless they are many.
    assert verdicts["tie"] <= len(found) / 100, [
        str(outcome) for outcome in found if outcome.verdict == "tie"
    ]
    assert of_mock["erases"] >= CHANGED * count, of_mock
    assert reasons(found) >= {"No matching", "Problem:"}


def reasons(found: list[Outcome]) -> set[str]:
    """How the texts begin of what neither side can solve; both say the same."""
    failed = [outcome for outcome in found if outcome.verdict == "both fail"]
    for outcome in failed:
        assert isinstance(outcome.ours, str)
        assert isinstance(outcome.dnf, str)
        missing = [line for line in outcome.ours.splitlines() if "Problem" not in line and line.strip()]
        assert all(line in outcome.dnf for line in missing), str(outcome)
    starts = Counter(" ".join(str(outcome.ours).split()[:2]) for outcome in failed)
    return {"Problem:" if start.startswith("Problem") else start for start in starts}
