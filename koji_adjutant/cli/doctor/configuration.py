"""Checks of what is written down for the daemon: options, files with secrets, mock's configuration, plugins."""

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from koji_adjutant.cli.doctor.check import Check, Finding, failure, ok, warning
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.config import Config, site_defaults
from koji_adjutant.config.site_defaults import Verdict
from koji_adjutant.handlers.registry import task_methods
from koji_adjutant.policy.containers import soft_and_hard

LEAST_FILES = 4096
"""Open files: a task process has its logs, uploads and containers open."""
OTHERS = stat.S_IWGRP | stat.S_IRWXO
SHOWN = 3
"""Of a list of any length, in a line."""


def some(found: list[str]) -> str:
    """The first of a list, and how many more there are."""
    rest = len(found) - SHOWN
    return "; ".join(found[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _file(on: Surroundings) -> Finding:
    if notices := on.config.notices:
        return warning(f"{on.file} is read, and: {some(list(notices))}", "write the new names")
    return ok(f"{on.file} is read; server {on.config.server}")


def _secrets(on: Surroundings) -> Finding:
    hint = "chown to the daemon's user, chmod 0600"
    modes = {
        f"{path} ({what}, mode {stat.S_IMODE(path.stat().st_mode):04o})": path.stat().st_mode
        for what, path in _files_with_secrets(on.file, on.config)
        if path.is_file()
    }
    if found := [told for told, mode in modes.items() if mode & OTHERS]:
        return failure(f"others may read or write: {some(found)}", hint)
    if found := [told for told, mode in modes.items() if mode & stat.S_IRGRP]:
        return warning(f"a group may read: {some(found)}", hint)
    return ok("no file with a password or key is open to others")


def _files_with_secrets(file: Path, config: Config) -> Iterator[tuple[str, Path]]:
    if config.password or config.smtp_pass:
        yield "password", file
    named = (
        ("key of the login", config.cert),
        ("keytab", config.keytab),
        ("ccache", config.ccache),
        ("registry_auth_file", config.registry_auth_file),
        ("scm_netrc", config.scm_netrc),
        ("monitoring_token_file", config.monitoring_token_file),
    )
    for what, path in named:
        if path:
            yield what, Path(path).expanduser()


def _site_defaults(on: Surroundings) -> Finding:
    file = on.config.mock_site_defaults
    if file is None or not file.exists():
        return ok("mock has no site configuration here")
    found = [
        f"{one.name}: {one.verdict}: {one.text}"
        for one in site_defaults.read_site_defaults(file, on.config)
        if one.verdict is not Verdict.HONOURED
    ]
    if found:
        return warning(
            f"{file}: {len(found)} settings do nothing by themselves: {some(found)}",
            "koji-adjutant config check says what replaces each; remove what is not needed",
        )
    return ok(f"{file}: all of it is honoured")


def _plugins(on: Surroundings) -> Finding:
    config = on.config
    lost = task_methods(config, None).outages.found
    if lost:
        return failure(
            some([str(one) for one in lost]), "correct the plugin, or take it out of plugins, and reload"
        )
    return ok(f"{len(set(config.plugin))} plugins are configured, and can be loaded")


def _limits(on: Surroundings) -> Finding:
    for name, value in on.config.rlimits.items():
        soft, hard = soft_and_hard(name, value)
        limit = resource.getrlimit(getattr(resource, name))[1]
        wanted = [one if one >= 0 else float("inf") for one in (soft, hard)]
        if os.geteuid() != 0 and limit >= 0 and max(wanted) > limit:
            return failure(
                f"{name} = {value}: this user may have {limit} at most", "lower it, or start as root"
            )
    soft, hard = _limits_of_files(on)
    if 0 <= hard < LEAST_FILES:
        return warning(
            f"a process of the daemon may open {hard} files", f"LimitNOFILE={LEAST_FILES} or more in the unit"
        )
    return ok(f"a process may open {soft} files; {len(on.config.rlimits)} RLIMIT options can be had")


def _limits_of_files(on: Surroundings) -> tuple[int, int]:
    """Soft and hard limit of the daemon, or of this process where none runs."""
    pid = on.main.pid if on.main else os.getpid()
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)


def _proxies(on: Surroundings) -> Finding:
    environment = on.environment_of_daemon()
    config = on.config
    proxies = {
        name.lower().removesuffix("_proxy"): value
        for name, value in environment.items()
        if name.lower().endswith("_proxy") and value
    }
    if not set(proxies) - {"no"}:
        return ok("no proxy is in the environment")
    through = sorted(
        {
            str(urlsplit(url).hostname)
            for url in (config.server, *config.topurls)
            if urlsplit(url).scheme in proxies
            and not _is_excepted(str(urlsplit(url).hostname), proxies.get("no", ""))
        }
    )
    if through:
        return warning(
            f"what is asked of {', '.join(through)} goes through a proxy of the environment",
            "name the hub in no_proxy of the unit, unless it is to go there",
        )
    return ok("proxies of the environment are not for the hub")


def _is_excepted(host: str, no_proxy: str) -> bool:
    words = [word.strip().lstrip(".") for word in no_proxy.split(",")]
    return any(word in {"*", host} or host.endswith(f".{word}") for word in words if word)


CHECKS = (
    Check(id="config.file", title="Configuration", look=_file),
    Check(id="config.secrets", title="Files with secrets", look=_secrets, needs=("config.file",)),
    Check(id="config.mock", title="mock's site configuration", look=_site_defaults, needs=("config.file",)),
    Check(id="config.plugins", title="Plugins", look=_plugins, needs=("config.file",)),
    Check(id="config.limits", title="Limits of processes", look=_limits, needs=("config.file",)),
    Check(id="config.proxies", title="Proxies", look=_proxies, needs=("config.file",)),
)
