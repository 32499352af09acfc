"""What of this host a checkout gets: files, mounts, variables, a network; by the configuration and the kind of URL.

Whoever checks sources out talks to servers of others as an unprivileged user: what is in its container can be had by a
server that takes over git. So a checkout by ssh gets ssh's keys and no passwords of http servers, and the other way
round, and nothing that its options withhold. Small files are read by the daemon and copied into the container, where
they are its user's own (0600); nothing of a user's home is mounted, and no mode of this host is changed.

What nobody else is to see, the password of a URL and the site's own variables, stands in such a file too, and neither
in the environment nor in the arguments of a container, which the engine tells everybody who may ask it. Pure but for
the files that it reads; an access is made for one checkout.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from koji_adjutant.config import Config
from koji_adjutant.container.interface import VolumeMount
from koji_adjutant.errors import TaskFailed
from koji_adjutant.policy.containers import NetworkUse, network_for, proxy_environment
from koji_adjutant.policy.scm import ca_trust
from koji_adjutant.policy.scm.gitconfig import Setting, git_config, write
from koji_adjutant.policy.scm.host_files import Found, read
from koji_adjutant.policy.scm.kerberos import kerberos
from koji_adjutant.policy.scm.ssh_files import ssh_files
from koji_adjutant.policy.scm_address import ScmAddress, ScmKind

FILES = ".scm"
"""The directory of the home that has what is none of git's or ssh's own files."""
GITCONFIG, NETRC, SSH = ".gitconfig", ".netrc", ".ssh"
ENVIRONMENT = f"{FILES}/environment"
"""Variables of the site, NAME=value, one a line: the script reads them."""
GIT_CREDENTIALS, SVN_PASSWORD = f"{FILES}/credentials", f"{FILES}/password"
SVN_USER, SVN_TIMEOUT = "SCM_SVN_USER", "SCM_SVN_TIMEOUT"
"""Variables from which the script makes options of svn."""
SCM_FILES = "SCM_FILES"
"""Where the script finds the directory `FILES`, if not in the home."""
ON_HOST = (("gc.auto", "0"), ("maintenance.auto", "false"))
"""Settings of git on this host: what it would do for a repository that stays goes on without it."""


@dataclass(frozen=True, kw_only=True)
class ScmAccess:
    """What a checkout gets."""

    mounts: tuple[VolumeMount, ...]
    environment: Mapping[str, str]
    network: str
    files: Mapping[str, bytes]
    """By path below the home of the container's user: to be its own, with mode 0600."""
    found: tuple[Found, ...]
    """What was looked at on this host."""


@dataclass(frozen=True, kw_only=True)
class HostAccess:
    """What a checkout on this host gets beside what the daemon's user has."""

    environment: Mapping[str, str]
    """All of it."""
    files: Mapping[str, bytes]
    """By path below the directory that it was made for."""


@dataclass(frozen=True, kw_only=True)
class SourceAccess:
    """What `source_cmd` gets beside its buildroot."""

    mounts: tuple[VolumeMount, ...]
    environment: Mapping[str, str]


def scm_access(
    config: Config, address: ScmAddress, *, home: str, environ: Mapping[str, str] = os.environ
) -> ScmAccess:
    """The access to `address` of a checkout whose user's home is `home`."""
    environment: dict[str, str] = {}
    files: dict[str, bytes] = {}
    found: list[Found] = []
    by_ssh, by_http = address.needs_user, address.scheme in {"http", "https"}
    ssh_command = ""
    if address.kind is ScmKind.GIT:
        git = git_config(config.scm_gitconfig, f"{home}/{FILES}/files")
        found += git.found
        ssh_command = git.ssh_command
        files |= {f"{FILES}/files/{name}": content for name, content in git.files.items()}
        files |= _git_files(git.text, address, home)
        environment |= {"GIT_CONFIG_NOSYSTEM": "1", **_git_speed(config)}
    if address.kind is ScmKind.SVN:
        files |= _svn_password(address)
        environment |= _svn_variables(config, address)
    if by_ssh:
        ssh = ssh_files(config.scm_ssh_dir, config.scm_known_hosts, f"{home}/{SSH}", ssh_command)
        found += ssh.found
        files |= {f"{SSH}/{name}": content for name, content in ssh.files.items()}
        environment |= {"GIT_SSH_COMMAND": ssh.command, "SVN_SSH": ssh.command}
    elif by_http and config.scm_netrc is not None:
        netrc = read("scm_netrc", config.scm_netrc)
        found.append(netrc.found)
        files |= {NETRC: netrc.content} if netrc.given else {}
    ccache = config.scm_ccache if by_ssh or by_http else None
    tickets = kerberos(ccache, environ, f"{home}/{FILES}")
    found += tickets.found
    files |= {f"{FILES}/{name}": content for name, content in tickets.files.items()}
    if site := site_environment(config, environ):
        files[ENVIRONMENT] = "".join(f"{name}={value}\n" for name, value in site.items()).encode()
    return ScmAccess(
        mounts=ca_trust.ca_mounts(config),
        environment={**environment, **tickets.environment},
        network=network_for(NetworkUse.CHECKOUT, config),
        files=files,
        found=(*found, *ca_trust.found(config)),
    )


def host_access(
    config: Config, address: ScmAddress, *, directory: str, environ: Mapping[str, str] = os.environ
) -> HostAccess:
    """The access to `address` of a checkout by the daemon's user, whose own files are where programs look for them."""
    files: dict[str, bytes] = {}
    settings = list(ON_HOST)
    environment = {**environ, **site_environment(config, environ), SCM_FILES: f"{directory}/{FILES}"}
    if address.kind is ScmKind.GIT:
        login, files = _git_login(address, f"{directory}/{GIT_CREDENTIALS}")
        settings += [(f"{each.section}.{each.name}.{each.key}", each.value or "") for each in login]
        environment |= _git_speed(config)
    else:
        files = _svn_password(address)
        environment |= _svn_variables(config, address)
    for number, (name, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    environment |= {"GIT_CONFIG_COUNT": str(len(settings)), "HOME": os.path.expanduser("~")}  # noqa: PTH111
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_DEFAULT_REF_FORMAT": "files"}
    return HostAccess(environment=environment, files=files)


def source_access(config: Config, environ: Mapping[str, str] = os.environ) -> SourceAccess:
    """What `source_cmd` gets: the certificates and proxies that it has in a root of mock's."""
    return SourceAccess(mounts=ca_trust.ca_mounts(config), environment=site_environment(config, environ))


def site_environment(config: Config, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables of the site: proxies, and what `scm_environment` says beyond them."""
    chosen = {**proxy_environment(environ), **config.scm_environment}
    for name, value in chosen.items():
        if "\n" in value:
            raise TaskFailed(
                f"the daemon's environment has a line break in {name}", hint="correct it in kojid's unit"
            )
    return {name: value for name, value in chosen.items() if value}


def _git_files(site: str, address: ScmAddress, home: str) -> dict[str, bytes]:
    """git's configuration, and the password of the URL in the file of git's own credential store."""
    login, files = _git_login(address, f"{home}/{GIT_CREDENTIALS}")
    if text := f"{site}{write(login)}":
        files[GITCONFIG] = text.encode(errors="surrogateescape")
    return files


def _git_login(address: ScmAddress, place: str) -> tuple[list[Setting], dict[str, bytes]]:
    """The settings by which git finds the password of the URL in the file `place`, and the file."""
    files: dict[str, bytes] = {}
    settings: list[Setting] = []
    if address.password and address.user and address.scheme in {"http", "https"}:
        server = f"{address.scheme}://{address.host}"
        # Each part quoted anew, and wholly: git takes what is before a colon of a part for unquoted.
        login = ":".join(quote(unquote(part), safe="") for part in (address.user, address.password))
        files[GIT_CREDENTIALS] = f"{address.scheme}://{login}@{address.host}\n".encode()
        # The first, empty one is for whoever else would be asked: the password of the URL is the one that is meant.
        helpers = ("", f"store --file={place}")
        settings += [
            Setting(section="credential", name=server, key="helper", value=helper) for helper in helpers
        ]
    return settings, files


def _git_speed(config: Config) -> dict[str, str]:
    slow = config.scm_low_speed
    if slow is None:
        return {}
    return {"GIT_HTTP_LOW_SPEED_LIMIT": str(slow.bytes), "GIT_HTTP_LOW_SPEED_TIME": f"{slow.seconds:.0f}"}


def _svn_password(address: ScmAddress) -> dict[str, bytes]:
    if not address.password or not address.user or address.needs_user:
        return {}
    return {SVN_PASSWORD: unquote(address.password).encode()}


def _svn_variables(config: Config, address: ScmAddress) -> dict[str, str]:
    found = {}
    if _svn_password(address) and address.user:
        found[SVN_USER] = unquote(address.user)
    if config.scm_low_speed is not None:
        found[SVN_TIMEOUT] = f"{config.scm_low_speed.seconds:.0f}"
    return found
