"""What we override of Koji's library, or use of it though it does not promise it: each by name, with its signature.

A release that drops one of them, or changes how it is called, fails here before it fails a build. Then see what has
become of it, change what stands on it, and raise the bound in pyproject.toml.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import koji
import koji.daemon
import koji.plugin
import koji.tasks
import koji.xmlrpcplus
import pytest

import koji_adjutant

ROOT = Path(koji_adjutant.__file__).parent
SESSION, MANAGER, HANDLER = koji.ClientSession, koji.daemon.TaskManager, koji.tasks.BaseTaskHandler
METHODS: dict[tuple[Any, str], str] = {
    # Overridden.
    (SESSION, "__init__"): "(self, baseurl, opts=None, sinfo=None, auth_method=None)",
    (SESSION, "_callMethod"): "(self, name, args, kwargs=None, retry=True)",
    (SESSION, "_prepCall"): "(self, name, args, kwargs=None)",
    (SESSION, "_renew_session"): "(self)",
    (SESSION, "_sendOneCall"): "(self, handler, headers, request)",
    (SESSION, "fastUpload"): (
        "(self, localfile, path, name=None, callback=None, blocksize=None, overwrite=False, volume=None)"
    ),
    (
        SESSION,
        "gssapi_login",
    ): "(self, principal=None, keytab=None, ccache=None, proxyuser=None, proxyauthtype=None, renew=False)",
    (SESSION, "logout"): "(self, session_id=None)",
    (SESSION, "new_session"): "(self)",
    (SESSION, "subsession"): "(self)",
    (MANAGER, "__init__"): "(self, options, session)",
    (MANAGER, "forkTask"): "(self, handler)",
    (MANAGER, "readyForTask"): "(self)",
    (MANAGER, "runTask"): "(self, handler)",
    (MANAGER, "shutdown"): "(self)",
    (HANDLER, "handler"): "(self)",
    (HANDLER, "run"): "(self)",
    (HANDLER, "wait"): "(self, subtasks=None, all=False, failany=False, canfail=None, timeout=None)",
    # Replaced in an object, or called.
    (SESSION, "_forget"): "(self)",
    (SESSION, "_sanitize_connection_error"): "(self, exc, top=True)",
    (SESSION, "setSession"): "(self, sinfo)",
    (MANAGER, "takeTask"): "(self, task)",
    (HANDLER, "__init__"): "(self, id, method, params, session, options, workdir=None)",
    (HANDLER, "find_arch"): "(self, arch, host, tag, preferred_arch=None)",
    (HANDLER, "removeWorkdir"): "(self)",
    (HANDLER, "run_callbacks"): "(self, plugin, *args, **kwargs)",
    (HANDLER, "setManager"): "(self, manager)",
    (HANDLER, "weight"): "(self)",
    (koji, "add_mail_logger"): "(logger, addr)",
    (koji, "convertFault"): "(fault)",
    (koji, "is_requests_cert_error"): "(e)",
    (koji.plugin, "register_callback"): "(cbtype, func)",
    (koji.tasks, "parse_task_params"): "(method, params)",
    (koji.xmlrpcplus, "dumps"): (
        "(params, methodname=None, methodresponse=None, encoding=None, allow_none=1, marshaller=None)"
    ),
}
CLASS_ATTRIBUTES = {
    (HANDLER, "Methods"): list,
    (HANDLER, "_taskWeight"): float,
    (HANDLER, "Foreground"): bool,
}
"""What our handlers set, or the library's set, and both read."""
ATTRIBUTES = {
    SESSION: {
        "auth_method",
        "baseurl",
        "callnum",
        "logged_in",
        "multicall",
        "opts",
        "retries",
        "rsession",
        "sinfo",
    },
    MANAGER: {"handlers", "host_id", "hostdata", "options", "pids", "restart_pending", "session", "tasks"},
    HANDLER: {"id", "logger", "method", "opts", "options", "params", "session", "workdir"},
}
"""What its objects have, since their own methods set it."""


@pytest.mark.parametrize(("owner", "name"), METHODS, ids=lambda part: getattr(part, "__name__", str(part)))
def test_it_is_called_as_we_call_it(owner: Any, name: str) -> None:
    found = getattr(owner, name, None)
    assert found is not None, f"{owner.__name__}.{name} is gone"
    assert str(inspect.signature(behind_its_lock(found))) == METHODS[owner, name]


def behind_its_lock(found: Any) -> Any:
    """What one of the library's decorators calls: it says nothing of what it takes."""
    inside = [cell.cell_contents for cell in getattr(found, "__closure__", None) or ()]
    return next((one for one in inside if inspect.isfunction(one)), found)


@pytest.mark.parametrize(("owner", "name"), CLASS_ATTRIBUTES)
def test_class_attributes_are_what_they_were(owner: Any, name: str) -> None:
    assert isinstance(getattr(owner, name), CLASS_ATTRIBUTES[owner, name])


@pytest.mark.parametrize("owner", ATTRIBUTES)
def test_its_objects_have_what_we_use(owner: Any) -> None:
    tree = ast.parse(inspect.getsource(owner))
    assigned = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and ast.unparse(node.value) == "self"
    }
    assert not ATTRIBUTES[owner] - assigned


def classes() -> Iterator[type]:
    """All of ours that inherit from the library."""
    for module in pkgutil.walk_packages([str(ROOT)], "koji_adjutant."):
        if "testbed" in module.name or ".scripts" in module.name or "__main__" in module.name:
            continue
        for found in vars(importlib.import_module(module.name)).values():
            if isinstance(found, type) and found.__module__ == module.name and found.__mro__[1:]:
                yield found


def test_the_table_has_all_that_we_override() -> None:
    known = METHODS.keys() | CLASS_ATTRIBUTES.keys()
    missing = {
        f"{base.__name__}.{name}, by {ours.__name__}"
        for ours in classes()
        for base in ours.__mro__[1:]
        if base.__module__.partition(".")[0] == "koji"
        for name in vars(ours).keys() & vars(base).keys() - {"__doc__", "__module__", "__annotations__"}
        if inspect.isfunction(vars(base)[name]) and (base, name) not in known
        if name != "__init__" or base in ATTRIBUTES
    }
    assert not missing


def test_the_table_has_all_that_we_call_privately() -> None:
    """Where the linter was told that a private member is meant."""
    used = {
        name
        for file in ROOT.rglob("*.py")
        for line in file.read_text().splitlines()
        if "SLF001" in line
        for name in re.findall(r"library\.(_\w+)", line)
    }
    assert "_forget" in used
    assert not used - {name for _, name in METHODS}


def test_koji_writes_the_callbacks_where_we_look() -> None:
    assert all(isinstance(found, list) for found in koji.plugin.callbacks.values())


def test_the_bound_is_the_release_that_this_was_tried_with() -> None:
    """A new minor release of the library is taken when this file passes with it."""
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["project"]
    (bounds,) = [one for one in project["dependencies"] if one.startswith("koji")]
    major, minor, *_ = version("koji").split(".")
    assert bounds == f"koji>={major}.{minor},<{major}.{int(minor) + 1}"
