"""The task methods that this builder has: ours, and those that Koji's library brings along."""

from koji.tasks import (
    BaseTaskHandler,
    DefaultTask,
    DependantTask,
    FakeTask,
    ForkTask,
    RestartHostsTask,
    RestartTask,
    RestartVerifyTask,
    ShutdownTask,
    SleepTask,
    SubtaskTask,
    WaitrepoTask,
    WaitTestTask,
)

from koji_adjutant.handlers.build import BuildTask
from koji_adjutant.handlers.buildarch import BuildArchTask
from koji_adjutant.handlers.createrepo import CreaterepoTask
from koji_adjutant.handlers.new_repo import NewRepoTask
from koji_adjutant.handlers.rebuild_srpm import RebuildSRPMTask
from koji_adjutant.handlers.tag_build import TagBuildTask

HANDLERS: tuple[type[BaseTaskHandler], ...] = (
    BuildTask,
    BuildArchTask,
    RebuildSRPMTask,
    TagBuildTask,
    NewRepoTask,
    CreaterepoTask,
    WaitrepoTask,
    DependantTask,
    RestartTask,
    RestartVerifyTask,
    RestartHostsTask,
    ShutdownTask,
    SleepTask,
    FakeTask,
    ForkTask,
    WaitTestTask,
    SubtaskTask,
    DefaultTask,
)
