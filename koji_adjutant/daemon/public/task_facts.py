"""What is shown of a task, beside its journal: what the hub said when it was opened, and what is asked of it then.

Who owns it and how long builds of its package take is asked by its own process, in a thread of its own and without a
login: no call of the task waits for it or has another number for it, and where the hub does not answer it is unknown.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any, cast
from xmlrpc.client import Fault

import koji
import requests
from koji.tasks import BaseTaskHandler

from koji_adjutant import names
from koji_adjutant.config import Config
from koji_adjutant.host.groups import group_id
from koji_adjutant.hub.credentials import session_options
from koji_adjutant.journal.public import TaskFacts
from koji_adjutant.journal.shown_task import UNSHOWN, Shown, ShownTask
from koji_adjutant.policy.methods import METHODS

TEXT_LIMIT = 300
"""Characters."""
SECONDS = 10.0
"""That an answer may take."""

logger = logging.getLogger("koji.adjutant.daemon.public")


def show_task(config: Config, handler: BaseTaskHandler, opened: Mapping[str, Any]) -> Shown:
    """Show the task of this process from now on, if anything is to be shown."""
    if not config.monitoring_enabled:
        return UNSHOWN
    facts = facts_of(handler, opened)
    shown = ShownTask(config.state_dir, facts, group_id(config.monitoring_group))
    shown.begin()
    ask_in_background(shown, config, facts, opened.get("owner"))
    return shown


def facts_of(handler: BaseTaskHandler, opened: Mapping[str, Any]) -> TaskFacts:
    """The task of a handler; `opened` is what the hub said of it when it was opened, as far as it did. Pure."""
    known = cast("Any", handler)
    method, params = str(known.method), known.params
    row = METHODS.get(method)
    tag = row.tag(params, known.opts) if row else None
    arch = row.arch(params, known.opts) if row else None
    created, parent = opened.get("create_ts"), opened.get("parent")
    return TaskFacts(
        task=known.id,
        method=method,
        label=label_of(method, params, known.opts, str(opened.get("arch", ""))),
        package=package_of(method, params),
        arch=_text(arch or opened.get("arch")),
        tag=_text(tag if isinstance(tag, str) else _target(method, params)),
        parent=parent if isinstance(parent, int) else None,
        created=float(created) if isinstance(created, int | float) else None,
    )


def label_of(method: str, params: Sequence[Any], opts: Mapping[str, Any], arch: str = "") -> str:
    """What a task is about, in a line, as Koji's library says it without the method: `hello-1.0-1.src.rpm, x86_64`."""
    request = cast("Any", koji).encode_args(*params, **opts)
    label = str(cast("Any", koji).taskLabel({"method": method, "request": request, "arch": arch}))
    inside = label.removeprefix(f"{method} (").removesuffix(")") if label.endswith(")") else label
    return _text(inside)


def package_of(method: str, params: Sequence[Any]) -> str:
    """The package of a build: by the name of its source package, or of the repository that it is in."""
    row = METHODS.get(method)
    source = row.source(params, {}) if row else None
    if not isinstance(source, str):
        return ""
    if "://" in source:
        path, _, module = source.split("#")[0].partition("?")
        return _text((module.rstrip("/") or path.rstrip("/")).rpartition("/")[2].removesuffix(".git"))
    try:
        return _text(cast("Any", koji).parse_NVRA(source.rpartition("/")[2])["name"])
    except koji.GenericError:
        return ""


def _target(method: str, params: Sequence[Any]) -> str:
    named = params[1] if method == "build" and len(params) > 1 else None
    return named if isinstance(named, str) else ""


def _text(value: object) -> str:
    """Of people and packages, in one line of a bearable length, without passwords."""
    return names.one_line(names.without_passwords(str(value or "")))[:TEXT_LIMIT]


def ask_in_background(shown: Shown, config: Config, facts: TaskFacts, owner: object) -> None:
    """Have `shown` told the name of the user with the id `owner`, and the average of the package's builds."""
    row = METHODS.get(facts.method)
    package = facts.package if row and row.averaged else ""
    if owner is None and not package:
        return

    def ask() -> None:
        try:
            shown.update(**_answers(config, owner, package))
        except (koji.GenericError, Fault, requests.RequestException, OSError) as error:
            logger.info("owner and average of task %s are unknown: %s", facts.task, error)

    threading.Thread(target=ask, name="facts", daemon=True).start()


def _answers(config: Config, owner: object, package: str) -> dict[str, Any]:
    options = {
        **session_options(config),
        "max_retries": 0,
        "anon_retry": False,
        "offline_retry": False,
        "timeout": SECONDS,
        "debug_xmlrpc": False,
    }
    session: Any = koji.ClientSession(config.server, options)
    with session.multicall() as calls:
        user = calls.getUser(owner) if owner is not None else None
        average = calls.getAverageBuildDuration(package) if package else None
    found: dict[str, Any] = {}
    if user is not None and (known := user.result):
        found["owner"] = _text(known["name"])
    if average is not None and isinstance(seconds := average.result, int | float):
        found["average_seconds"] = float(seconds)
    return found
