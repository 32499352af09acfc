"""docs/platforms.md is what the last results make it, and results outlive the run that had them."""

from pathlib import Path

from tests.platforms import report, results
from tests.platforms.results import Result, Results
from tests.platforms.roots import summary, versions
from tests.platforms.table import PLATFORMS

RESULT = Result(platform="B", part="core", seconds=372.0, minutes=9, saw="210 passed")


def test_the_document_is_what_the_results_say() -> None:
    assert report.DOCUMENT.read_text() == report.document(PLATFORMS, results.load())


def test_a_result_is_a_row() -> None:
    known = Results().with_result(RESULT).with_versions("B", {"podman": "5.4.2", "runtime": "runc"})
    text = report.document(PLATFORMS, known)
    assert "| B | core | 6.2 of 9 | 210 passed |" in text
    assert "| B | demo |  | has not run |" in text
    assert "| B | Debian 13 | a root of that release | 5.4.2 | runc |" in text


def test_a_failure_is_a_row() -> None:
    known = Results().with_result(Result(platform="B", part="core", seconds=60, minutes=9, failure="no root"))
    assert "| B | core | 1.0 of 9 | FAILED |" in report.document(PLATFORMS, known)


def test_what_a_failure_has_said_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    failed = Result(platform="B", part="core", seconds=60, minutes=9, failure="see /home/somebody/log")
    results.save(Results().with_result(failed), path)
    (kept,) = results.load(path).results
    assert kept.failure == results.FAILED


def test_the_last_result_of_a_part_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    earlier = Result(platform="B", part="core", seconds=1, minutes=9, failure="it did not")
    other = Result(platform="A", part="demo", seconds=1, minutes=2)
    known = Results().with_result(earlier).with_result(other).with_result(RESULT)
    results.save(known.with_versions("B", {"podman": "5.4.2"}), path)
    again = results.load(path)
    assert again.results == (other, RESULT)
    assert again.versions == {"B": {"podman": "5.4.2"}}
    assert again.only_of([("B", "core")]).results == (RESULT,)


def test_of_two_runs_at_once_each_keeps_its_own() -> None:
    other = Result(platform="A", part="demo", seconds=1, minutes=2)
    kept = Results().with_result(other).with_versions("A", {"podman": "4.3.1"})
    old = Result(platform="A", part="demo", seconds=1, minutes=2, failure="it did not")
    run = Results().with_result(old).with_result(RESULT).with_versions("B", {"podman": "5.4.2"})
    together = kept.with_newest_of(run)
    assert together.results == (other, RESULT)
    assert together.versions == {"A": {"podman": "4.3.1"}, "B": {"podman": "5.4.2"}}
    assert kept.with_newest_of(Results().with_result(RESULT)).versions == kept.versions


def test_a_part_over_its_budget_is_told() -> None:
    assert not RESULT.is_over
    late = Result(platform="B", part="core", seconds=541, minutes=9)
    assert late.is_over
    assert "over its budget" in late.line


def test_what_a_command_said_is_summed_up() -> None:
    said = "...\n  buildArch, cold          8.21 s\n  buildArch, warm   1.20 s  at most 2.5 s\n"
    assert summary(said) == "buildArch, warm 1.20 s"
    assert summary("== 210 passed, 1 warning in 361.20s (0:06:01) ==\n") == "210 passed, 1 warning"
    measured = (
        f"{'warm_hello':<26} {'0.953':>10} {'s':<5} {'1.1':>8}  {'0.9 to 1.2':<15} {5:>4}  4.1  bare\n"
        f"{'commit_stall':<26} {'1.7':>10} {'s':<5} {'':>8}  {'1.6 to 1.9':<15} {5:>4}  0.5  in layers\n"
    )
    assert summary(measured * 2) == "warm_hello 0.953 s, commit_stall 1.7 s"
    assert versions('on-debian: x\nversions: {"podman": "5.4.2"}\n') == {"podman": "5.4.2"}
    assert versions("nothing") == {}
