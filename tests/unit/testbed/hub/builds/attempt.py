"""Builds that are about to be completed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    files = [tmp_path / "build.log", tmp_path / "root.log"]
    for file in files:
        file.write_text(f"{file.name} of the build\n", encoding="utf-8")
    return files


class Attempt:
    """A build of these packages that is about to be completed."""

    def __init__(self, hub: ContentHub, builder: Caller, built: Built, **data: Any) -> None:
        self.hub, self.builder, self.built = hub, builder, built
        self.task_id = hub.task(builder)
        self.build_id: int = builder.host.initBuild(built.build_data(self.task_id, **data))
        self.srpm, *self.rpms = hub.upload(self.task_id, built.srpm, *built.rpms)

    def complete(self, **options: Any) -> dict[str, Any]:
        build: dict[str, Any] = self.builder.host.completeBuild(
            self.task_id, self.build_id, self.srpm, self.rpms, **options
        )
        return build

    def is_building(self) -> bool:
        state: str = koji.BUILD_STATES[self.hub.admin.getBuild(self.build_id)["state"]]
        return state == "BUILDING"


@pytest.fixture
def attempt(hub: ContentHub, builder: Caller, hello: Built) -> Attempt:
    return Attempt(hub, builder, hello)
