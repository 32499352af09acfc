"""The files that the daemon shows: what is read is what was written, and what is not understood is none."""

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import pytest

from koji_adjutant.journal import public
from koji_adjutant.journal.public import (
    ContainerFacts,
    Containers,
    CredentialFacts,
    DiskFacts,
    Facts,
    HostFacts,
    ImageFacts,
    Images,
    MonitoringFacts,
    PluginFacts,
    TaskFacts,
)
from koji_adjutant.journal.state import this_process

HOST = HostFacts(
    writer=this_process(),
    time=2.0,
    started=1.0,
    version="1",
    name="builder1",
    hub="https://hub/kojihub",
    worker="w",
    ready=False,
    obstacle="space",
    reason="full",
    channels=("default",),
    disks=(DiskFacts(area="workdir", path="/w", free_bytes=1, limit_bytes=None),),
    credentials=(CredentialFacts(kind="keytab"),),
    plugins_failed=(PluginFacts(name="p", why="gone", methods=("runroot",)),),
)
ALL: tuple[Facts, ...] = (
    MonitoringFacts(bind="127.0.0.1:80", token_sha256="ab"),
    HOST,
    TaskFacts(task=1, method="build", logs=("build.log",)),
    Containers(
        time=1.0,
        containers=(
            ContainerFacts(
                id="c",
                name="n",
                role="build",
                worker="w",
                task=1,
                image="i",
                state="running",
                created=1.0,
                labels=MappingProxyType({"a": "b"}),
            ),
        ),
    ),
    Images(
        time=1.0,
        images=(
            ImageFacts(
                key="k", kind="base", tag="t", arch="a", group="build", bytes=1, created=1.0, last_used=1.0
            ),
        ),
    ),
)


@pytest.mark.parametrize("facts", ALL, ids=lambda one: type(one).__name__)
def test_what_is_read_is_what_was_written(tmp_path: Path, facts: Facts) -> None:
    file = tmp_path / "facts.json"
    public.write_facts(file, facts)
    read: Any = public.read_facts(cast("Any", type(facts)), file)
    assert read == facts
    assert file.stat().st_mode & 0o777 == 0o640


def test_what_is_not_understood_is_none(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    for text in ("", "[]", "{}", '{"v": 1}', '{"v": 2, "bind": "x"}', "\xff", "[" * 5000):
        file.write_text(text)
        assert public.read_facts(MonitoringFacts, file) is None
    assert public.read_facts(MonitoringFacts, tmp_path / "missing") is None


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text(json.dumps({"v": 1, "bind": "x", "colour": "blue"}))
    assert public.read_facts(MonitoringFacts, file) == MonitoringFacts(bind="x")


@pytest.mark.parametrize(
    "wrong", [{"bind": 3}, {"bind": None}, {"container_history_ttl": "long"}, {"bind": ["x"]}], ids=str
)
def test_what_has_another_type_is_not_understood(tmp_path: Path, wrong: dict[str, Any]) -> None:
    file = tmp_path / "facts.json"
    file.write_text(json.dumps({"v": 1, "bind": "x", **wrong}))
    assert public.read_facts(MonitoringFacts, file) is None


def test_a_row_of_another_type_is_not_understood(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    public.write_facts(file, next(one for one in ALL if isinstance(one, Images)))
    data = json.loads(file.read_text())
    data["images"][0]["bytes"] = "many"
    file.write_text(json.dumps(data))
    assert public.read_facts(Images, file) is None
