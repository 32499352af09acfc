"""What is printed: nothing of what others say is obeyed."""

import json

from koji_adjutant.cli.doctor.check import Check, Finding, Result, Status, failure, not_checked, ok, warning
from koji_adjutant.cli.doctor.report import as_json, line, listing, summary

HOSTILE = "refused: \x1b]0;owned\x07\x1b[2J\nFAILURE is mine \u202e"


def result(finding: Finding, name: str = "hub.login") -> Result:
    check = Check(id=name, title="Login", look=lambda _: finding)
    return Result(check=check, finding=finding, seconds=1.23456)


def test_a_line_and_what_to_do() -> None:
    assert line(result(failure("refused", "set password")), 10) == (
        "FAILURE  hub.login   refused\n                     set password\n"
    )
    assert line(result(ok("well")), 9) == "ok       hub.login  well\n"


def test_texts_of_others_stay_on_their_line() -> None:
    told = line(result(warning(HOSTILE, HOSTILE)), 9)
    assert told.count("\n") == 2
    assert not {character for character in told if not character.isprintable()} - {"\n"}
    assert "\\x1b]0;owned\\x07" in told


def test_json_has_it_as_it_is() -> None:
    found = json.loads(as_json([result(warning(HOSTILE, "look"))]))
    assert found["checks"] == [
        {
            "id": "hub.login",
            "title": "Login",
            "status": "warning",
            "text": HOSTILE,
            "hint": "look",
            "seconds": 1.235,
        }
    ]
    assert "\x1b" not in as_json([result(warning(HOSTILE, "look"))])


def test_the_sum() -> None:
    found = [ok("a"), ok("b"), warning("c", "d"), not_checked("e")]
    assert summary([result(one) for one in found]) == "2 ok, 1 warning, 0 failure, 1 not checked\n"


def test_the_list() -> None:
    assert listing([result(ok(""), name).check for name in ("a.b", "a.long")]) == (
        "a.b     Login\na.long  Login\n"
    )
    assert len(Status) == 4
