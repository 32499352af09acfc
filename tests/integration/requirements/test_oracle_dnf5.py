"""What dnf 5 of a task image makes of requirements and install groups drawn by lot, its own program and the solver.

`--oracle-draws` and `--oracle-seed` say how many, and from which seed on.
"""

import tempfile
from pathlib import Path

import pytest

from tests.integration.requirements.draws import draws
from tests.integration.requirements.oracle import Outcome, SidesInImage, counted, outcomes
from tests.integration.running import Testbed

pytestmark = [pytest.mark.podman, pytest.mark.distribution("testing")]

BLOCK = 100
"""Draws that are on disk at once."""
SITES = ("mock", "fedora", "weak")
KINDS = {"requirements": False, "groups": True}
SOLVABLE = 1 / 5


@pytest.mark.parametrize("kind", KINDS)
def test_roots_are_those_that_dnf5_would_make(
    testbed: Testbed, pytestconfig: pytest.Config, tmp_path: Path, kind: str
) -> None:
    count, seed = pytestconfig.getoption("--oracle-draws"), pytestconfig.getoption("--oracle-seed")
    where = SidesInImage(testbed.engine.socket, testbed.description.task_image)
    found: list[Outcome] = []
    for number, start in enumerate(range(seed, seed + count, BLOCK)):
        drawn = draws(start, min(BLOCK, seed + count - start))
        site = SITES[number % len(SITES)]
        with tempfile.TemporaryDirectory(prefix="oracle-", dir=tmp_path) as scratch:
            found += outcomes(drawn, [site], Path(scratch), where, are_groups=KINDS[kind])
    verdicts = counted(found)
    print(f"{count} {kind} from seed {seed}, by dnf 5: {dict(verdicts)}")  # noqa: T201
    different = [str(outcome) for outcome in found if outcome.verdict == "differs"]
    assert not different, "\n".join([f"{len(different)} of {len(found)} differ:", *different[:10]])
    assert verdicts["tie"] <= len(found) / 100
    assert verdicts["same"] + verdicts["erases"] >= SOLVABLE * count
    for outcome in found:
        if outcome.verdict == "both fail":
            assert says_the_same(str(outcome.ours), str(outcome.dnf)), str(outcome)


def says_the_same(ours: str, theirs: str) -> bool:
    """Whether what the solver says is what dnf 5 says, but for advice."""
    lines = [line for line in ours.splitlines() if not line.startswith("dnf 5 reads no file lists")]
    return bool(lines) and all(line in theirs for line in lines)
