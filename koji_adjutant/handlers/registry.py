"""The task methods that this builder has: ours, those that Koji's library brings along, and those of plugins."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

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
    WaitTestTask,
)

from koji_adjutant.config import Config
from koji_adjutant.handlers.base import Services, bind_handler
from koji_adjutant.handlers.build.build import BuildTask
from koji_adjutant.handlers.build.buildarch import BuildArchTask
from koji_adjutant.handlers.build.chain_build import ChainBuildTask
from koji_adjutant.handlers.build.rebuild_srpm import RebuildSRPMTask
from koji_adjutant.handlers.build.tag_build import TagBuildTask
from koji_adjutant.handlers.notify.build_notification import BuildNotificationTask
from koji_adjutant.handlers.notify.tag_notification import TagNotificationTask
from koji_adjutant.handlers.repo.createrepo import CreaterepoTask
from koji_adjutant.handlers.repo.new_repo import NewRepoTask
from koji_adjutant.handlers.repo.wait_repo import WaitrepoTask
from koji_adjutant.handlers.sources.build_srpm_from_scm import BuildSRPMFromSCMTask
from koji_adjutant.plugins.outages import Methods, load_methods
from koji_adjutant.plugins.table import HandlerTable
from koji_adjutant.policy.methods import METHODS, Method

HANDLERS: Mapping[str, type[BaseTaskHandler]] = MappingProxyType(
    {
        "build": BuildTask,
        "buildArch": BuildArchTask,
        "buildSRPMFromSCM": BuildSRPMFromSCMTask,
        "rebuildSRPM": RebuildSRPMTask,
        "tagBuild": TagBuildTask,
        "newRepo": NewRepoTask,
        "createrepo": CreaterepoTask,
        "chainbuild": ChainBuildTask,
        "buildNotification": BuildNotificationTask,
        "tagNotification": TagNotificationTask,
        "waitrepo": WaitrepoTask,
        "dependantTask": DependantTask,
        "restart": RestartTask,
        "restartVerify": RestartVerifyTask,
        "restartHosts": RestartHostsTask,
        "shutdown": ShutdownTask,
        "sleep": SleepTask,
        "someMethod": FakeTask,
        "fork": ForkTask,
        "waittest": WaitTestTask,
        "subtask": SubtaskTask,
        "default": DefaultTask,
    }
)
"""A handler for each row of the table of methods."""


def handler_of(method: Method) -> type[BaseTaskHandler]:
    """The handler of a method, which says of itself what the table says, where Koji's library looks for it."""
    handler = HANDLERS[method.name]
    said = {"Methods": [method.name], "_taskWeight": method.weight, "__module__": handler.__module__}
    return type(handler.__name__, (handler,), said)


def task_methods(config: Config, services: Services | None) -> Methods:
    """All of them, with the plugins that `config` names; to look at them only, no services are needed."""
    table = HandlerTable(partial(bind_handler, services=services))
    for method in METHODS.values():
        table.add(handler_of(method))
    return load_methods(table, config.plugin, config.pluginpath)
