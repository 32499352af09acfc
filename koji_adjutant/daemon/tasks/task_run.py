"""Running one task's handler, and telling the hub how it ended: exactly once, and only if it is still ours to tell.

What goes to the hub for which error: koji_adjutant.errors. When an answer of the hub is lost, the hub is asked how
things stand before anything is said again. SystemExit and its like pass through: whoever stops a task frees it.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any, cast
from xmlrpc.client import Fault

import koji
from koji.tasks import BaseTaskHandler, RefuseTask, ServerExit, ServerRestart
from koji.xmlrpcplus import dumps

from koji_adjutant.daemon.cleanup.containers import make_workdir, remove_workdir
from koji_adjutant.daemon.tasks.processes import end_if_told, signals_held_back
from koji_adjutant.errors import EngineFailed, EngineUnavailable, TaskCanceled, TaskInterrupted
from koji_adjutant.handlers.base import Services  # noqa: TC001 - one way to import
from koji_adjutant.hub.outage import do_once
from koji_adjutant.hub.session import HubSession, is_session_lost
from koji_adjutant.journal.phases import GivenBack, Journal, Phase

UNKNOWN_FAULT = 1
RESULT_KEYS = ("srpm", "srpms", "rpms")
"""Of results that are dicts: those of the tasks that make packages."""
OPEN = koji.TASK_STATES["OPEN"]

logger = logging.getLogger("koji.adjutant.daemon.tasks")


class TaskRun:
    """One run of a handler. `session` is the one that reports: the task's own."""

    def __init__(self, handler: BaseTaskHandler, session: HubSession, journal: Journal, host_id: int) -> None:
        self._handler = handler
        known = cast("Any", handler)
        self._task: int = known.id
        # The library's own forks, and leaves a file in /tmp when it is killed meanwhile.
        if known.workdir is not None:
            known.createWorkdir = partial(make_workdir, known.workdir)
            known.removeWorkdir = partial(remove_workdir, known.workdir)
        self._session = session
        self._journal = journal
        self._host_id = host_id
        self.engine_failed = False
        """Whether the task was given back because it could not use the engine."""

    def run(self) -> Phase:
        """Run the handler and report; how the task ended."""
        try:
            return self._run()
        except (koji.GenericError, TaskCanceled) as error:
            # The report itself was refused, or the session is closed: there is nobody to tell.
            logger.warning("task %s is not ours any more: %s", self._task, error)
            self._journal.record(Phase.CANCELED, task=self._task, why=str(error))
        return Phase.CANCELED

    def _run(self) -> Phase:
        try:
            result = self._result()
        except TaskCanceled:
            raise
        except ServerExit:
            # Open, or freed, it would shut down the next start too, or another host.
            self._close(None)
            raise
        except ServerRestart:
            return self._free(GivenBack.RESTART, "it waits for a restart of this host")
        except EngineUnavailable as error:
            # One whose container somebody has ended says nothing about the engine.
            self.engine_failed = isinstance(error, EngineFailed) or not isinstance(error, TaskInterrupted)
            reason = GivenBack.ENGINE if self.engine_failed else GivenBack.INTERRUPTED
            return self._free(reason, str(error))
        except RefuseTask as error:
            return self._refuse(str(error))
        except Exception as error:
            logger.warning("task %s", self._task, exc_info=True)
            return self._fail(error)
        return self._close(result)

    def _result(self) -> object:
        try:
            return self._handler.run()
        except Exception:
            # Code that a signal breaks off between two lines may fail for that, and hide it.
            end_if_told()
            raise

    def _close(self, result: object) -> Phase:
        response = cast("Any", dumps)((result,), methodresponse=1, allow_none=1)
        logger.info("task %s: response %r", self._task, response)
        return self._tell(
            Phase.CLOSED,
            lambda: self._session.host.closeTask(self._task, response),
            results=results_of(result),
        )

    def _fail(self, error: Exception) -> Phase:
        if isinstance(error, koji.GenericError) and is_session_lost(error):
            raise error
        if isinstance(error, koji.ActionNotAllowed) and not self._is_ours():
            raise error
        fault = fault_for(error)
        logger.warning("task %s fails: fault %s: %s", self._task, fault.faultCode, fault.faultString)
        response = cast("Any", dumps)(fault)
        # A traceback begins with what everybody knows.
        said = fault.faultString if isinstance(error, Fault | koji.GenericError) else _in_short(error)
        return self._tell(
            Phase.FAILED,
            lambda: self._session.host.failTask(self._task, response),
            fault=fault.faultCode,
            error=said,
            **self._last_words(),
        )

    def _last_words(self) -> dict[str, Any]:
        services: Services | None = getattr(self._handler, "services", None)
        return services.last_words.details() if services else {}

    def _free(self, reason: GivenBack, why: str) -> Phase:
        logger.warning("task %s is freed: %s", self._task, why)
        return self._tell(
            Phase.FREED,
            lambda: self._session.host.freeTasks([self._task]),
            reason=reason,
            why=why,
            engine_failed=self.engine_failed,
        )

    def _refuse(self, why: str) -> Phase:
        logger.warning("task %s is refused: %s", self._task, why)
        return self._tell(
            Phase.REFUSED,
            lambda: self._session.host.refuseTask(self._task, msg=why),
            reason=GivenBack.REFUSED,
            why=why,
            soft=False,
        )

    def _tell(self, phase: Phase, call: Callable[[], Any], **details: Any) -> Phase:
        # A signal between the report and the note of it would have the main process report again.
        with signals_held_back():
            do_once(f"task {self._task}: {phase}", call, lambda: not self._is_ours())
            self._journal.record(phase, task=self._task, **details)
        return phase

    def _is_ours(self) -> bool:
        info: Any = self._session.getTaskInfo(cast("Any", self._task))
        return bool(info) and info["state"] == OPEN and info["host_id"] == self._host_id


def results_of(result: object) -> list[str]:
    """What came of a task, for people: names of packages and files, ids."""
    if isinstance(result, Mapping):
        named = (result.get(key) for key in RESULT_KEYS)
        files = [file for value in named for file in (value if isinstance(value, list) else [value])]
        return [PurePosixPath(file).name for file in files if isinstance(file, str)]
    if isinstance(result, list | tuple):
        return [str(one) for value in result for one in (value if isinstance(value, list) else [value])]
    return [] if result is None else [str(result)]


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def fault_for(error: Exception) -> Fault:
    """The fault that the hub is told: Koji's errors in their own words, all others with the traceback."""
    if isinstance(error, Fault):
        return error
    code = getattr(type(error), "faultCode", UNKNOWN_FAULT)
    if isinstance(error, koji.GenericError):
        return Fault(code, str(error))
    return Fault(code, "".join(traceback.format_exception(error)))
