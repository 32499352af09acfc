"""What the hub is told, for all that may happen to a task: class, message and hint, as they were recorded.

`python -m tests.unit.guards.test_golden_errors` records them anew, which is a decision: whose fault a failure is has
changed then, or the words that people look for in their logs.
"""

import json
import tempfile
from pathlib import Path

import pytest

from koji_adjutant.container.labels import Role
from koji_adjutant.errors import AdjutantError
from koji_adjutant.policy.containers import TaskLimits
from tests.unit.guards.golden_bench import LIMITS, Scene
from tests.unit.guards.golden_situations import SITUATIONS

GOLDEN = Path(__file__).with_name("golden_errors.json")
ROLES = (Role.BUILD, Role.SOLVER, Role.INSTALLER, Role.TOOL, Role.IMAGE)
KINDS = {"limits": LIMITS, "no limits": TaskLimits()}

Told = dict[str, list[str]]
"""Class, message and hint as one text, and who is told that: role and whether its limits are set. Of what is none of
ours class and text; `nothing` when the task did what it was asked."""


@pytest.fixture(scope="module")
def golden() -> dict[str, Told]:
    found: dict[str, Told] = json.loads(GOLDEN.read_text())
    return found


def test_every_situation_is_recorded(golden: dict[str, Told]) -> None:
    assert list(golden) == list(SITUATIONS)


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_the_hub_is_told(golden: dict[str, Told], name: str, tmp_path: Path) -> None:
    assert told(name, tmp_path) == golden[name]


def told(name: str, directory: Path) -> Told:
    """What a situation comes to, for each role, with and without limits."""
    found: Told = {}
    for role in ROLES:
        for kind, limits in KINDS.items():
            place = directory / f"{role}-{kind.replace(' ', '-')}"
            place.mkdir()
            found.setdefault(outcome(name, role, limits, place), []).append(f"{role}, {kind}")
    return found


def outcome(name: str, role: Role, limits: TaskLimits, directory: Path) -> str:
    with pytest.MonkeyPatch.context() as monkeypatch:
        scene = Scene(role=role, limits=limits, directory=directory, monkeypatch=monkeypatch)
        SITUATIONS[name](scene)
        try:
            scene.run()
        except AdjutantError as error:
            told = f"{type(error).__name__} | {error.message} | {error.hint}"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
            told = f"{type(error).__name__} | {error}"
        else:
            told = "nothing"
    return told.replace(str(directory), "DIRECTORY")


def record() -> None:
    found = {}
    for name in SITUATIONS:
        with tempfile.TemporaryDirectory() as directory:
            found[name] = told(name, Path(directory))
    GOLDEN.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    record()
