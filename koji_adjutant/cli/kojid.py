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
from typing import NoReturn

import koji
import requests

from koji_adjutant.cli import status_server
from koji_adjutant.cli.arguments import Arguments, parse
from koji_adjutant.cli.own_paths import with_own_paths
from koji_adjutant.cli.reload import check_argv, start_argv
from koji_adjutant.config import Config, load_config
from koji_adjutant.container.podman import registry_auth
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.daemon import Daemon, main_loop
from koji_adjutant.daemon.main_loop import End
from koji_adjutant.daemon.public.directory import OF_SERVER, make_readable
from koji_adjutant.daemon.public.status_server import is_wanted
from koji_adjutant.daemon.recurring import Recurring
from koji_adjutant.daemon.reload import Reloading
from koji_adjutant.daemon.sessions import OwnSession
from koji_adjutant.daemon.tasks import adoption
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.daemon.tasks.task_process import STOP_GRACE
from koji_adjutant.daemon.wakeup import SUBTASKS, WakeUp, poke
from koji_adjutant.errors import AdjutantError, ConfigError, LoginFailed
from koji_adjutant.handlers.base import Services
from koji_adjutant.handlers.registry import task_methods
from koji_adjutant.host import systemd
from koji_adjutant.host.disks import require_own, unusable
from koji_adjutant.host.groups import group_id
from koji_adjutant.hub.session import HubSession, log_in_anew, login, open_session, try_login
from koji_adjutant.journal.file import ROTATE_BYTES, FileJournal
from koji_adjutant.journal.requests import MADE
from koji_adjutant.logs import daemon_log
from koji_adjutant.plugins import record
from koji_adjutant.policy.containers import soft_and_hard

LOGIN_SECONDS = 2.0

logger = logging.getLogger("koji.adjutant.cli")


def kojid(argv: Sequence[str] | None = None) -> int:
    """Run the daemon; its exit code."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    try:
        config = load_config(arguments.config, overrides=arguments.overrides)
        return _check(config) if arguments.check else _run(arguments, config)
    except AdjutantError as error:
        sys.stderr.write(f"kojid: error: {error}\n")
        if not arguments.foreground:
            logger.error("%s", error)  # noqa: TRY400
        return error.exit_code if isinstance(error, ConfigError) else 1


def _check(config: Config) -> int:
    """Whether a daemon would start with this; if one runs with it already, with the plugins that it has."""
    _prepare(config)
    with_own_paths(config)
    try_login(config)
    missing_so_far = record.read(config.state_dir)
    lost = [one for one in task_methods(config, None).outages.found if one.plugin not in missing_so_far]
    for outage in lost:
        sys.stderr.write(f"kojid: error: {outage}\n")
    return 1 if lost else 0


def _run(arguments: Arguments, config: Config) -> int:
    daemon_log.set_level(config, verbose=arguments.verbose)
    if config.log_file:
        daemon_log.log_to_file(config.log_file)
    if config.admin_emails:
        daemon_log.log_by_mail(config.admin_emails)
    started_in = Path.cwd()
    _prepare(config)
    config = with_own_paths(config)
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
        session.before_request = systemd.starting
        _log_in(session, config, state, own_session, force_lock=arguments.force_lock)
        if arguments.foreground:
            # Not before: until here a person reads standard error, and wants one line.
            daemon_log.log_to_stderr()
        else:
            # The lock is of a process, and the process changes.
            state.unlock()
            koji.daemonize()
            state.lock()
        # A hub that keeps us waiting is no sign of a main loop that hangs.
        session.before_request = systemd.feed
        session.log_in_anew = partial(
            log_in_anew, session, config, own_session.replace, tasks_run=partial(_tasks_run, state)
        )
        status_argv = status_server.argv_in_state_directory(OF_SERVER) if is_wanted(config) else ()
        daemon = assemble(stack, config, session, state, status_argv=status_argv)
        reloading = Reloading(check_argv(_own_argv()), started_in, daemon.services.journal)
        end = main_loop.run(daemon, reloading, single=config.single)
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
        except (LoginFailed, ConfigError) as error:
            # Files may be mended while we wait; an end would leave the tasks to nobody.
            if not _tasks_run(state):
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


def _tasks_run(state: StateDirectory) -> bool:
    return any(task.is_alive() for task in state.tasks())


def _prepare(config: Config) -> None:
    koji.BASEDIR = config.topdir
    koji.pathinfo.topdir = config.topdir
    for name, value in config.rlimits.items():
        _set_limit(name, value)
    registry_auth.headers(str(config.registry_auth_file or ""))
    for option, directory in (("workdir", Path(config.workdir)), ("cache_dir", config.cache_dir)):
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(f"{directory} cannot be made", error, hint=f"set {option}") from error
        require_own(option, directory)


def _set_limit(name: str, value: str) -> None:
    try:
        resource.setrlimit(getattr(resource, name), soft_and_hard(name, value))
    except (ValueError, OSError) as error:
        raise ConfigError(f"option {name} = {value!r}: {error}", hint="lower it, or start as root") from error


def assemble(
    stack: ExitStack,
    config: Config,
    session: HubSession,
    state: StateDirectory,
    *,
    status_argv: Sequence[str] = (),
) -> Daemon:
    """The daemon, with all that it needs until `stack` is left."""
    make_readable(config)
    services = make_services(stack, config, state)
    wakeup = stack.enter_context(WakeUp(state.wake))
    for notice in config.notices:
        logger.warning("%s", notice)
    for ours, theirs in config.host_mount_map:
        logger.info("Our %s is the engine's %s", ours, theirs)
    methods = task_methods(config, services)
    for outage in methods.outages.found:
        logger.error("%s", outage)
    record.keep(state.path, methods.outages)
    return Daemon(config, session, services, state, wakeup, methods=methods, status_argv=status_argv)


def make_services(stack: ExitStack, config: Config, state: StateDirectory) -> Services:
    """What a daemon with this state directory works with, until `stack` is left."""
    group = group_id(config.monitoring_group)
    journal = FileJournal(state.journal, rotate_bytes=ROTATE_BYTES, group=group)
    manager = PodmanManager(
        str(config.podman_socket),
        config.container_timeouts,
        str(config.registry_auth_file or ""),
        on_request=MADE.engine,
    )
    stack.callback(manager.close)
    return Services(
        config=config,
        manager=manager,
        journal=journal,
        worker=state.worker(),
        poke=lambda: poke(state.wake),
        poke_for_subtasks=lambda: poke(state.wake, SUBTASKS),
    )


def _start_anew() -> NoReturn:
    os.execv(sys.executable, start_argv(_own_argv()))  # noqa: S606


def _own_argv() -> list[str]:
    return [sys.executable, *sys.orig_argv[1:]]
