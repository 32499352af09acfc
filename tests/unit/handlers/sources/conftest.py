"""The hub and the engine are those of the tests of builds."""

from tests.unit.handlers.build.conftest import bench, task_hub

__all__ = ["bench", "task_hub"]
