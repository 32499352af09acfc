"""What is shown of a task: from what it was asked for, and what the hub says of it."""

from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.daemon.public.task_facts import ask_in_background, facts_of
from koji_adjutant.journal.public import TaskFacts
from tests.hubs import Hub
from tests.waiting import eventually


class Handler:
    """As much of one as is looked at."""

    def __init__(self, method: str, *params: Any, **opts: Any) -> None:
        self.id, self.method, self.params, self.opts = 7, method, params, opts


class Told:
    """What it was told."""

    def __init__(self) -> None:
        self.changes: dict[str, Any] = {}

    def update(self, **changes: Any) -> None:
        self.changes |= changes


@pytest.mark.parametrize(
    ("handler", "package", "arch", "tag"),
    [
        (
            Handler("buildArch", "cli-build/1.2/hello-a-1.0-2.src.rpm", 5, "x86_64", True),
            "hello-a",
            "x86_64",
            "",
        ),
        (Handler("build", "cli-build/1.2/hello-1.0-2.src.rpm", "f40"), "hello", "noarch", "f40"),
        (Handler("build", "git+https://u:secret@host/rpms/hello.git#abc", "f40"), "hello", "noarch", "f40"),
        (Handler("build", "git+https://host/all?pkgs/hello#abc", "f40"), "hello", "noarch", "f40"),
        (Handler("build", "nonsense.src.rpm", None), "", "noarch", ""),
        (Handler("build"), "", "noarch", ""),
        (Handler("createrepo", 12, "ppc64le", None), "", "ppc64le", ""),
        (Handler("strange", {"a": 1}), "", "noarch", ""),
    ],
)
def test_what_a_task_is_about(handler: Any, package: str, arch: str, tag: str) -> None:
    facts = facts_of(handler, {"arch": "noarch", "create_ts": 12.5, "parent": 3})
    assert (facts.package, facts.arch, facts.tag) == (package, arch, tag)
    assert (facts.task, facts.created, facts.parent) == (7, 12.5, 3)
    assert "secret" not in facts.label


def test_the_label_is_koji_s() -> None:
    handler: Any = Handler("buildArch", "cli-build/1.2/hello-1.0-2.src.rpm", 5, "x86_64", True)
    assert facts_of(handler, {}).label == "hello-1.0-2.src.rpm, x86_64"


def test_owner_and_average_come_from_the_hub(hub: Hub) -> None:
    config = hub.config()
    told: Any = Told()
    facts = TaskFacts(task=7, method="build", package="unknown")
    ask_in_background(told, config, facts, hub.admin.getLoggedInUser()["id"])
    eventually(lambda: told.changes, "the hub was asked")
    assert told.changes == {"owner": "admin"}


def test_where_nobody_answers_it_is_unknown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    config = Config(server="http://127.0.0.1:9/kojihub", topurls=("http://127.0.0.1:9/kojifiles",))
    told: Any = Told()
    ask_in_background(told, config, TaskFacts(task=7, method="build", package="p"), 1)
    eventually(lambda: "owner and average of task 7 are unknown" in caplog.text, "it is said")
    assert not told.changes
