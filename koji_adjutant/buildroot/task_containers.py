"""The containers that one task holds, and what it does in other threads than its main one.

`TaskContainers` lives as long as the work of the task. A container that was released goes in the background, out of
the way of what the task does next. Leaving the context removes the containers that are still held and waits for those
that are going; a thread that does anything else is not waited for, and ends with the process.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from koji_adjutant.container.interface import Containers, ContainerSpec
from koji_adjutant.errors import AdjutantError

THREADS = 4
KILL_AGAIN = 0.1

Result = TypeVar("Result")

logger = logging.getLogger("koji.adjutant.buildroot")


class TaskContainers:
    """The containers of one task, removed at the latest when the context is left; and its further threads."""

    def __init__(self, kill: Callable[[], None] = lambda: None) -> None:
        """`kill` ends whatever runs in any container of the task."""
        self._kill = kill
        self._held: dict[str, ExitStack] = {}
        self._going: list[Future[None]] = []
        self._before_removal: list[Future[Any]] = []
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="task")
        self._removing = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="remove")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.remove_all(value)
        self._threads.shutdown(wait=False)
        self._removing.shutdown(wait=False)
        for removal in self._going:
            try:
                removal.result()
            except AdjutantError as error:
                # The work is done, and the daemon sweeps what is left.
                logger.warning("a container that has done its work cannot be removed now: %s", error)

    @contextmanager
    def work(self) -> Iterator[None]:
        """The containers go with the work in this context: at once when it fails, else in the background."""
        with ExitStack() as undo:
            undo.push(lambda _kind, value, _trace: self.remove_all(value))
            yield
            undo.pop_all()
        for container in tuple(self._held):
            self.release(container)

    def create(self, manager: Containers, spec: ContainerSpec) -> str:
        """A new container of `manager`, not started, held from now on."""
        stack = ExitStack()
        container = stack.enter_context(manager.created(spec))
        self._held[container] = stack
        return container

    def release(self, container: str) -> None:
        """Have a container that nobody needs any more removed in the background."""
        self._going.append(self._removing.submit(self._close, self._held.pop(container)))

    def _close(self, stack: ExitStack) -> None:
        wait(self._before_removal)
        stack.close()

    def remove(self, container: str) -> None:
        """Remove a container now."""
        self._held.pop(container).close()

    def remove_all(self, error: BaseException | None = None) -> None:
        """Remove all containers that are held now; what fails while `error` is under way is noted with it."""
        if isinstance(error, SystemExit) and (
            self._held or not all(call.done() for call in self._before_removal)
        ):
            self._kill_at_work()
            # What was about to begin has begun.
            while wait(self._before_removal, KILL_AGAIN).not_done:
                self._kill_at_work()
        wait(self._before_removal)
        while self._held:
            _, stack = self._held.popitem()
            if error is None:
                stack.close()
                continue
            try:
                stack.__exit__(type(error), error, error.__traceback__)
            except AdjutantError as second:
                error.add_note(f"and then: {second}")
                logger.warning("after %r: %s", error, second)

    def _kill_at_work(self) -> None:
        # The task was taken away. An engine kills at once, also while it is busy; and nobody waits for a solver then.
        try:
            self._kill()
        except AdjutantError as error:
            logger.warning("containers are not killed: %s", error)

    def submit_before_removal(self, call: Callable[[], Result]) -> Future[Result]:
        """Call in another thread; no container goes before the call has ended."""
        future = self._threads.submit(call)
        self._before_removal.append(future)
        return future

    def submit(self, call: Callable[[], Result]) -> Future[Result]:
        """Call in another thread."""
        return self._threads.submit(call)
