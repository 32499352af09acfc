"""Scratch builds: nothing is recorded, the files move to <topdir>/scratch/<user>/task_<id>."""

from pathlib import Path

from koji_adjutant.testbed.hub.builds.build_files import move_and_link, require_uploaded, work_directory
from koji_adjutant.testbed.hub.builds.noarch import Logs, without_duplicates
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.tasks.tasks import get_task, require_task_of_host


@exposed("host.moveBuildToScratch")
def move_build_to_scratch(call: Call, task_id: int, srpm: str, rpms: list[str], logs: Logs = None) -> None:
    require_task_of_host(call, task_id)
    work = work_directory(call)
    require_uploaded(work, [srpm, *rpms])
    rpms = without_duplicates(work, rpms, logs)
    owner = call.db.value("SELECT name FROM users WHERE id = ?", (get_task(call, task_id)["owner"],))
    directory = Path(call.paths.scratch()) / owner / f"task_{task_id}"
    for path in (srpm, *rpms):
        move_and_link(work / path, directory)
    for arch, paths in (logs or {}).items():
        for path in paths:
            move_and_link(work / path, directory / "logs" / arch)
