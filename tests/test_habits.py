"""What no test does: patch a constant of a module, sleep for a while, or wait for something by hand."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9]*(_[A-Z0-9]+)*\Z")
PATCHES = frozenset({"setattr", "patch", "object"})
CLASSES = frozenset({"SMTP", "CDLL"})
"""Of the standard library, in capitals."""
MAY_SLEEP = (
    "tests/waiting.py",
    "tests/integration/daemon/plugins",
    "tests/faults",
    "tests/platforms/machine/scripts",
)
"""The helpers that look again and again, what sleeps on purpose, the clock of the fault run, what runs elsewhere."""


def sources() -> list[Path]:
    return sorted((ROOT / "tests").rglob("*.py"))


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def patched_constant(call: ast.Call, function: str) -> str:
    """The constant that a call patches, by its name; empty when it does not."""
    if function.rpartition(".")[2] not in PATCHES or not re.match(r"monkeypatch|mocker|mock|patch", function):
        return ""
    named = [
        argument.value.rpartition(".")[2]
        for argument in call.args[:2]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    return next((name for name in named if CONSTANT.match(name) and name not in CLASSES), "")


def patched_constants(path: Path) -> list[str]:
    return [
        f"{path}:{call.lineno} {name}"
        for call, function in calls(path)
        if (name := patched_constant(call, function))
    ]


def test_constants_are_handed_in() -> None:
    """Intervals, limits and clocks are arguments, whose defaults the constants are."""
    found = [one for path in sources() for one in patched_constants(path)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('monkeypatch.setattr(module, "LIMIT", 1)', "LIMIT"),
        ('monkeypatch.setattr("a.b.RETRY_SECONDS", 1)', "RETRY_SECONDS"),
        ('mocker.patch("a.b._PATIENCE", 1)', "_PATIENCE"),
        ('mocker.patch.object(module, "PAUSE", 1)', "PAUSE"),
        ('monkeypatch.setattr(module, "limit", 1)', ""),
        ('monkeypatch.setattr(smtplib, "SMTP", Mailer)', ""),
        ('setattr(module, "LIMIT", 1)', ""),
    ],
)
def test_a_patched_constant_is_seen(text: str, name: str) -> None:
    call = ast.parse(text).body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert patched_constant(call.value, ast.unparse(call.value.func)) == name


def test_nobody_sleeps() -> None:
    """What is waited for is a condition (`tests.waiting.eventually`); an outage lasts while one holds (`lasts`)."""
    found = [
        f"{path}:{call.lineno}"
        for path in sources()
        if not str(path.relative_to(ROOT)).startswith(MAY_SLEEP)
        for call, function in calls(path)
        if function == "time.sleep"
    ]
    assert not found, "\n".join(found)
