"""Checks of networks: none in a build, the way to Koji's files, that of containers which have one, the mail server."""

from dataclasses import replace
from urllib.parse import urlsplit

import requests

from koji_adjutant.cli.doctor.check import Check, Finding, failure, not_checked, ok, warning
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.container.programs import HeadSink, bash
from koji_adjutant.errors import EngineError, TaskFailed
from koji_adjutant.handlers.notify.smtp import Patience, greet
from koji_adjutant.host.https import system_authorities

SECONDS = 10.0
REACH_SECONDS = 30.0
"""Of a container that is made, gets its network and connects: most of it is the engine's, on a busy host."""
MAIL = Patience(answer=10, whole=15)
PORTS = {"http": 80, "https": 443}
REACH = 'exec 3<>"/dev/tcp/$1/$2"'


def _of_build(on: Surroundings) -> Finding:
    if not on.report:
        return not_checked("not checked: needs the task image")
    found = [name for name in on.report["interfaces"].split() if name not in {"lo", "sit0", "tunl0"}]
    if found:
        return failure(
            f"a container that is to have no network has {', '.join(found)}",
            "look for netns in containers.conf: it must leave network none alone",
        )
    return ok("a build has no network")


def _files(on: Surroundings) -> Finding:
    config, missing = on.config, []
    verify = False if config.no_ssl_verify else config.serverca or system_authorities() or True
    where = _newest_repo(on)
    for url in config.topurls:
        try:
            answer = requests.get(f"{url}/{where}", timeout=SECONDS, verify=verify, stream=True)
        except requests.RequestException as error:
            return failure(f"{url} cannot be reached: {error}", "check option topurl, and the way to it")
        answer.close()
        # Where there is no repo yet, only that it answers is known: directories may not be listed.
        if where and answer.status_code >= requests.codes.bad_request:
            missing.append(f"{url}/{where}: HTTP {answer.status_code}")
    if missing:
        return failure(f"no packages there: {', '.join(missing)}", "check option topurl")
    return ok(f"{', '.join(config.topurls)}: the newest repo can be read")


def _newest_repo(on: Surroundings) -> str:
    """The path below topurl of something that the hub says is there; empty where there is no repo yet."""
    for tag in on.served_tags:
        if (repo := on.ask("getRepo", tag["id"])) is not None:
            arch = str(tag["arches"]).split()[0]
            return f"repos/{tag['name']}/{repo['id']}/{arch}/repodata/repomd.xml"
    return ""


def _of_containers(on: Surroundings) -> Finding:
    config = on.config
    parts = urlsplit(config.topurl)
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    spec = on.short_container(bash(REACH, "reach", host, str(port)))
    hint = "solver_network (bridge, pasta, slirp4netns, host, a network's name); netavark, and the host's firewall"
    answer = HeadSink(with_errors=True)
    try:
        code = on.manager.run(replace(spec, network=config.solver_network), answer, timeout=REACH_SECONDS)
    except EngineError as error:
        return failure(
            f"no container gets a network ({config.solver_network}): {error.message}",
            f"{hint}",
        )
    if code:
        said = " ".join(answer.data.decode(errors="replace").split())
        return warning(
            f"a container with network {config.solver_network} does not reach {host}: {said}", hint
        )
    return ok(f"a container with network {config.solver_network} reaches {host}")


def _mail(on: Surroundings) -> Finding:
    try:
        greet(on.config, MAIL)
    except TaskFailed as error:
        return warning(error.message, error.hint or "set smtphost, smtp_user, smtp_pass and smtp_tls")
    return ok(f"{on.config.smtphost} takes mail")


CHECKS = (
    Check(id="network.build", title="No network in builds", look=_of_build, needs=("engine.trial",)),
    Check(
        id="network.files",
        title="Koji's files",
        look=_files,
        needs=("hub.reachable", "images.policy"),
        seconds=45,
    ),
    Check(
        id="network.containers",
        title="Network of checkouts and repos",
        look=_of_containers,
        needs=("images.present", "engine.trial"),
        seconds=60,
    ),
    Check(id="mail.server", title="Mail server", look=_mail, needs=("config.file",), seconds=30),
)
