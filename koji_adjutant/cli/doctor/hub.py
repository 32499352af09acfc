"""Checks of the hub: whether it can be reached, takes the login, and agrees about the time."""

import socket
import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests

from koji_adjutant.cli.doctor.check import Check, Finding, failure, ok, warning
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.host.https import system_authorities
from koji_adjutant.hub.login import connection_error

SECONDS = 10.0
CLOCK_WARNING, CLOCK_FAILURE = 10.0, 120.0
"""Between two clocks. Kerberos takes 300; a certificate that was just made may need less."""
HOST_USER = 1
"""The kind of user that stands for a host (koji.USERTYPES)."""
KNOWN_MAJOR = 1


def _resolver(on: Surroundings) -> Finding:
    urls = (on.config.server, *on.config.topurls)
    names = sorted({str(urlsplit(url).hostname) for url in urls})
    for name in names:
        try:
            socket.getaddrinfo(name, None)
        except (OSError, UnicodeError) as error:
            return failure(f"{name} has no address: {error}", "see /etc/resolv.conf, and server and topurl")
    return ok(f"{', '.join(names)}: resolved")


def _reachable(on: Surroundings) -> Finding:
    try:
        version = on.ask("getKojiVersion")
    except (requests.RequestException, OSError) as error:
        told = connection_error(on.config, error)
        return failure(told.message, told.hint)
    return ok(f"{on.config.server} answers; Koji {version}")


def _clock(on: Surroundings) -> Finding:
    config = on.config
    verify = False if config.no_ssl_verify else config.serverca or system_authorities() or True
    before = time.time()
    answer = requests.get(config.server, timeout=SECONDS, verify=verify, allow_redirects=False)
    after = time.time()
    answer.close()
    said = answer.headers.get("Date")
    if not said:
        return warning("the hub does not say what time it is", "compare the clocks by hand")
    theirs = parsedate_to_datetime(said).timestamp()
    # It says whole seconds, and at some moment between question and answer.
    behind, ahead = max(0.0, theirs - after), max(0.0, before - theirs - 1.0)
    apart = max(behind, ahead)
    text = f"the clock of this host is {apart:.0f} s {'ahead of' if ahead else 'behind'} the hub's"
    hint = "synchronise the clock (timedatectl, chronyc tracking), and order the unit after time-sync.target"
    if apart > CLOCK_FAILURE:
        return failure(text, hint)
    return warning(text, hint) if apart > CLOCK_WARNING else ok(text)


def _login(on: Surroundings) -> Finding:
    login = on.login
    beside = "; another session has the lock" if login.is_locked else ""
    return ok(f"the hub takes the login{f' of {login.user}' if login.user else ''}{beside}")


def _login_name(on: Surroundings) -> Finding:
    user = on.login.user
    hint = "have an administrator add the host (koji add-host NAME ARCH), or log in as the one that it is"
    if not user:
        return failure("the hub knows no user by this login", hint)
    hosts = on.hosts_of_login
    if not hosts:
        return failure(f"the login is {user}, and the hub has no host of that name", hint)
    if hosts[0]["name"] != user:
        return warning(
            f"the login is {user}, and stands for host {hosts[0]['name']}",
            "give user and host the same name: people look for one by the other",
        )
    return ok(f"the login {user} is that of host {user}; this machine calls itself {socket.getfqdn()}")


def _lock(on: Surroundings) -> Finding:
    is_locked, runs = on.login.is_locked, on.main is not None
    if is_locked and not runs:
        return failure(
            f"somebody else is logged in as {on.login.user}, with the lock: "
            f"no daemon of {on.config.state_dir} runs",
            "stop the other daemon (kojid of koji-builder? another host with the same login?); one that is dead: "
            "kojid --force-lock --skip-main",
        )
    if runs and not is_locked:
        return warning(
            "the daemon runs, and has no session with the lock",
            "its log says why (No login: ..., or another daemon)",
        )
    return ok("the daemon has the lock" if is_locked else "nobody has the lock, and no daemon runs")


CHECKS = (
    Check(id="hub.resolver", title="Names of the hub", look=_resolver, needs=("config.file",)),
    Check(
        id="hub.reachable", title="Hub", look=_reachable, needs=("config.file", "hub.resolver"), seconds=30
    ),
    Check(id="hub.clock", title="Clock", look=_clock, needs=("hub.reachable",)),
    Check(id="hub.login", title="Login", look=_login, needs=("hub.reachable",), seconds=45),
    Check(id="hub.login-name", title="Login name", look=_login_name, needs=("hub.login",)),
    Check(id="hub.lock", title="One daemon a host", look=_lock, needs=("hub.login",)),
)
