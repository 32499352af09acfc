"""Tasks as the testbed sees them."""

from koji_adjutant.testbed.tasks import Task


def task(number: int, method: str) -> Task:
    return Task(id=number, method=method, state="CLOSED", arch="x86_64", created=0.5, started=1.0, ended=3.5)


def test_seconds_of_a_task() -> None:
    assert task(7, "buildArch").seconds == 2.5
