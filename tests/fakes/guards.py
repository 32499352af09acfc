"""One layer of what stands around an engine, alone: with evidence of its own, and what is told by that."""

from contextlib import AbstractContextManager

from koji_adjutant.buildroot.settings import HOME
from koji_adjutant.config import Config
from koji_adjutant.container.interface import Containers
from koji_adjutant.guards.diagnose import Evidence, diagnosed
from koji_adjutant.guards.interruptions import InterruptionAware
from koji_adjutant.guards.limited import LimitedContainers
from koji_adjutant.policy.containers import TaskLimits


class Aware(InterruptionAware):
    """The layer that looks for interruptions."""

    def __init__(self, below: Containers, config: Config) -> None:
        self.evidence = Evidence()
        super().__init__(below, config, self.evidence, home=HOME)

    def diagnosed(self) -> AbstractContextManager[None]:
        """What fails in this context says what this layer has seen."""
        return diagnosed(self.evidence, ())


class Limited(LimitedContainers):
    """The layer with the limits of a task."""

    def __init__(self, below: Containers, limits: TaskLimits, *, task_image: str = "task:1") -> None:
        self.evidence = Evidence()
        super().__init__(below, limits, self.evidence, task_image=task_image)

    def diagnosed(self) -> AbstractContextManager[None]:
        """What fails in this context says what this layer has seen."""
        return diagnosed(self.evidence, ())
