"""Checks side by side: what they need, what they may take, what goes wrong in them."""

import threading
from collections.abc import Callable
from pathlib import Path

import koji
import pytest

from koji_adjutant.cli.doctor.check import Check, Finding, Result, Status, failure, ok, warning
from koji_adjutant.cli.doctor.run import examine
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.errors import ConfigError


def look(finding: Finding) -> Callable[[Surroundings], Finding]:
    return lambda _: finding


def check(name: str, look: Callable[[Surroundings], Finding], *needs: str, seconds: float = 30.0) -> Check:
    return Check(id=name, title=name.upper(), look=look, needs=needs, seconds=seconds)


def run(*checks: Check) -> tuple[dict[str, Finding], bool]:
    told: list[Result] = []
    results, is_sound = examine(checks, Surroundings(Path("/nowhere")), told.append)
    assert tuple(told) == results
    assert [one.check for one in results] == list(checks)
    return {one.check.id: one.finding for one in results}, is_sound


def test_what_is_needed_comes_first_wherever_it_stands() -> None:
    seen: list[str] = []

    def note(name: str) -> Callable[[Surroundings], Finding]:
        def looking(_: Surroundings) -> Finding:
            seen.append(name)
            return ok(name)

        return looking

    found, is_sound = run(check("a", note("a"), "b"), check("b", note("b"), "c"), check("c", note("c")))
    assert seen == ["c", "b", "a"]
    assert is_sound
    assert {one.status for one in found.values()} == {Status.OK}


def test_what_needs_a_failure_is_not_checked() -> None:
    found, _ = run(
        check("a", look(failure("broken", "mend it"))),
        check("b", look(ok("never")), "a"),
        check("c", look(ok("never")), "b"),
        check(
            "d",
            look(warning("poor", "look")),
        ),
        check("e", look(ok("is looked at")), "d"),
    )
    assert found["b"].text == "not checked: needs a"
    assert found["c"].text == "not checked: needs b"
    assert [found[name].status for name in "de"] == [Status.WARNING, Status.OK]


def test_one_that_hangs_is_a_failure_and_the_others_go_on() -> None:
    end = threading.Event()

    def hang(_: Surroundings) -> Finding:
        end.wait()
        return ok("too late")

    try:
        found, is_sound = run(
            check("a", hang, seconds=0.1), check("b", look(ok("well"))), check("c", look(ok("never")), "a")
        )
    finally:
        end.set()
    assert is_sound
    assert (found["a"].status, found["a"].text) == (Status.FAILURE, "A: no answer within 0.1 s")
    assert found["b"].status is Status.OK
    assert found["c"].status is Status.NOT_CHECKED


def test_they_run_side_by_side() -> None:
    together = threading.Barrier(3, timeout=30)

    def meet(_: Surroundings) -> Finding:
        together.wait()
        return ok("met")

    found, _ = run(*(check(name, meet) for name in "abc"))
    assert {one.text for one in found.values()} == {"met"}


@pytest.mark.parametrize(
    ("error", "text", "hint"),
    [
        (ConfigError("option x", hint="set it"), "option x", "set it"),
        (koji.GenericError("two\nlines"), "A: two lines", "correct what it names"),
        (PermissionError(13, "Permission denied", "/x"), "A: [Errno 13] Permission denied", "correct what"),
    ],
)
def test_what_is_raised_is_found(error: Exception, text: str, hint: str) -> None:
    def fail(_: Surroundings) -> Finding:
        raise error

    found, is_sound = run(check("a", fail))
    assert is_sound
    assert found["a"].status is Status.FAILURE
    assert found["a"].text.startswith(text)
    assert found["a"].hint.startswith(hint)


def test_a_check_with_a_fault_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Surroundings) -> Finding:
        raise KeyError("ours")

    found, is_sound = run(check("a", fail), check("b", look(ok("well"))))
    assert not is_sound
    assert found["a"].status is Status.FAILURE
    assert found["b"].status is Status.OK
    assert "KeyError: 'ours'" in caplog.text


def test_a_password_in_a_url_is_told_nobody() -> None:
    def fail(_: Surroundings) -> Finding:
        raise OSError("http://builder:pa55word@hub/kojihub is away")

    found, _ = run(check("a", look(ok("http://builder:pa55word@hub/kojihub answers"))), check("b", fail))
    for one in found.values():
        assert "pa55word" not in one.text
        assert "hub/kojihub" in one.text
