"""What checkouts of sources find on this host, for `config check`: paths and whether they can be read, no contents."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from koji_adjutant.config import Config
from koji_adjutant.errors import AdjutantError
from koji_adjutant.policy.scm import ca_trust
from koji_adjutant.policy.scm.gitconfig import git_config
from koji_adjutant.policy.scm.host_files import look, read
from koji_adjutant.policy.scm.kerberos import kerberos
from koji_adjutant.policy.scm.ssh_files import ssh_files
from koji_adjutant.policy.scm_access import site_environment

PROGRAMS = ("git", "svn", "ssh")
NOWHERE = "/nowhere"
"""Where files would be in a container: nobody is told."""


def scm_report(config: Config, environ: Mapping[str, str] = os.environ) -> str:
    """A line for whatever a checkout may get, one below the other."""
    head = (
        "checkouts run on this host, and have all of it:"
        if config.scm_on_host
        else "checkouts get of this host:"
    )
    return "".join(f"{line}\n" for line in (head, *(f"  {line}" for line in _lines(config, environ))))


def _lines(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    if config.scm_on_host:
        yield from _programs(environ)
    else:
        yield from _given(config, environ)
    yield _variables(config, environ)
    yield from map(str, ca_trust.found(config))
    if config.scm_credentials_dir:
        yield str(look("scm_credentials_dir", Path(config.scm_credentials_dir)))


def _programs(environ: Mapping[str, str]) -> Iterator[str]:
    for name in PROGRAMS:
        yield f"scm_on_host: {name}: {shutil.which(name, path=environ.get('PATH')) or 'not present'}"


def _given(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    git = git_config(config.scm_gitconfig, NOWHERE)
    yield from map(str, git.found)
    if config.scm_netrc is not None:
        yield str(read("scm_netrc", config.scm_netrc).found)
    ssh = ssh_files(config.scm_ssh_dir, config.scm_known_hosts, NOWHERE)
    yield from map(str, ssh.found)
    if not ssh.knows_hosts:
        yield "scm_known_hosts: no host is known: checkouts by ssh are refused, unless ssh's config says otherwise"
    yield from map(str, kerberos(config.scm_ccache, environ, NOWHERE).found)


def _variables(config: Config, environ: Mapping[str, str]) -> str:
    try:
        names = ", ".join(site_environment(config, environ))
    except AdjutantError as error:
        names = str(error)
    return f"scm_environment: {names or 'no variables'}"
