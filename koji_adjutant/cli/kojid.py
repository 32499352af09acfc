"""`kojid`: from the command line to the exit code. The one place where the daemon's parts are put together.

Exit codes: 0 after an orderly end, 1 when the hub does not have us, 2 when something has to be changed here.
"""

import logging
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NoReturn, cast

import koji
import requests
from koji.plugin import PluginTracker

from koji_adjutant import notify
from koji_adjutant.cli import logs, main_loop
from koji_adjutant.cli.arguments import Arguments, parse
from koji_adjutant.cli.main_loop import End
from koji_adjutant.config import Config, load_config
from koji_adjutant.container import registry_auth
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.daemon import Daemon, adoption
from koji_adjutant.daemon.recurring import Recurring
from koji_adjutant.daemon.sessions import OwnSession
from koji_adjutant.daemon.state import StateDirectory
from koji_adjutant.daemon.task_process import STOP_GRACE
from koji_adjutant.daemon.wakeup import WakeUp, poke
from koji_adjutant.disks import unusable
from koji_adjutant.errors import AdjutantError, ConfigError, LoginFailed
from koji_adjutant.handlers.base import Services
from koji_adjutant.handlers.registry import HANDLERS
from koji_adjutant.hub import HubSession, log_in_anew, login, open_session
from koji_adjutant.monitoring.journal import FileJournal

LOGIN_SECONDS = 2.0

logger = logging.getLogger("koji.adjutant")


def kojid(argv: Sequence[str] | None = None) -> int:
    """Run the daemon; its exit code."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    try:
        config = load_config(arguments.config, overrides=arguments.overrides)
        return _run(arguments, config)
    except AdjutantError as error:
        sys.stderr.write(f"kojid: error: {error}\n")
        if not arguments.foreground:
            logger.error("%s", error)  # noqa: TRY400
        return error.exit_code if isinstance(error, ConfigError) else 1


def _run(arguments: Arguments, config: Config) -> int:
    logs.set_level(config, verbose=arguments.verbose)
    if config.log_file:
        logs.log_to_file(config.log_file)
    if config.admin_emails:
        logs.log_by_mail(config.admin_emails)
    started_in = Path.cwd()
    _prepare(config)
    state = StateDirectory(config.state_dir)
    session = open_session(config)
    with ExitStack() as stack:
        stack.callback(state.unlock)
        if arguments.skip_main:
            login(session, config, force_lock=arguments.force_lock)
            session.logout()
            return 0
        state.lock()
        main_loop.listen()
        stack.enter_context(_tasks_ended_by_signal(state))
        own_session = OwnSession(state, config.server)
        session.give_up_early()
        session.before_request = notify.starting
        _log_in(session, config, state, own_session, force_lock=arguments.force_lock)
        if arguments.foreground:
            # Not before: until here a person reads standard error, and wants one line.
            logs.log_to_stderr()
        else:
            # The lock is of a process, and the process changes.
            state.unlock()
            koji.daemonize()
            state.lock()
        # A hub that keeps us waiting is no sign of a main loop that hangs.
        session.before_request = notify.feed
        session.log_in_anew = partial(log_in_anew, session, config, own_session.replace)
        daemon = assemble(stack, config, session, state)
        end = main_loop.run(daemon, single=config.single)
        main_loop.leave(daemon, end)
        if not session.logged_in:
            own_session.end()
    if end in (End.RESTART, End.RELOAD):
        os.chdir(started_in)
        _start_anew()
    return 1 if end is End.SESSION_LOST else 0


@contextmanager
def _tasks_ended_by_signal(state: StateDirectory) -> Iterator[None]:
    """SIGTERM before the main loop runs: tasks that an earlier main process has left are ended as any others."""
    try:
        yield
    except SystemExit:
        adoption.end_all(state, STOP_GRACE)
        raise


def _log_in(
    session: HubSession, config: Config, state: StateDirectory, own: OwnSession, *, force_lock: bool
) -> None:
    """Log in; while tasks of an earlier main process run, for as long as it takes."""
    away = Recurring()
    while True:
        try:
            login(session, config, force_lock=force_lock, before_lock=own.replace)
        except LoginFailed as error:
            if not any(task.is_alive() for task in state.tasks()):
                raise
            if away.is_to_be_said(str(error)):
                logger.warning("%s; tasks run on, trying again%s", error, away.how_long())
            with suppress(koji.GenericError, requests.RequestException):
                session.logout()
            session.forget()
            time.sleep(LOGIN_SECONDS)
        else:
            if lasted := away.over():
                logger.warning("Logged in, after %s", lasted)
            return


def _prepare(config: Config) -> None:
    koji.BASEDIR = config.topdir
    koji.pathinfo.topdir = config.topdir
    for name, value in config.rlimits.items():
        _set_limit(name, value)
    registry_auth.headers(str(config.registry_auth_file or ""))
    for directory in (Path(config.workdir), config.cache_dir):
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(f"{directory} cannot be made", error, hint="set workdir or cache_dir") from error


def _set_limit(name: str, value: str) -> None:
    number = getattr(resource, name)
    limits = [int(word) for word in value.split()]
    soft, hard = (limits[0], limits[1] if len(limits) > 1 else resource.getrlimit(number)[1])
    try:
        resource.setrlimit(number, (soft, hard))
    except (ValueError, OSError) as error:
        raise ConfigError(f"option {name} = {value!r}: {error}", hint="lower it, or start as root") from error


def assemble(stack: ExitStack, config: Config, session: HubSession, state: StateDirectory) -> Daemon:
    """The daemon, with all that it needs until `stack` is left."""
    services = make_services(stack, config, state)
    wakeup = stack.enter_context(WakeUp(state.wake))
    daemon = Daemon(config, session, services, state, wakeup)
    for handler in HANDLERS:
        daemon.registerHandler(handler)
    _load_plugins(daemon, config)
    return daemon


def make_services(stack: ExitStack, config: Config, state: StateDirectory) -> Services:
    """What a daemon with this state directory works with, until `stack` is left."""
    journal = FileJournal(state.journal)
    journal.rotate()
    manager = PodmanManager(
        str(config.podman_socket), config.container_timeouts, str(config.registry_auth_file or "")
    )
    stack.callback(manager.close)
    return Services(
        config=config,
        manager=manager,
        journal=journal,
        worker=state.worker(),
        poke=lambda: poke(state.wake),
    )


def _load_plugins(daemon: Daemon, config: Config) -> None:
    tracker = PluginTracker(path=cast("str", config.pluginpath.split(":")))
    for name in config.plugin:
        try:
            daemon.scanPlugin(tracker.load(name))
        except (ImportError, AttributeError, OSError, koji.PluginError) as error:
            raise ConfigError(
                f"plugin {name} cannot be loaded: {error}", hint="check plugin and pluginpath"
            ) from error


def _start_anew() -> NoReturn:
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
