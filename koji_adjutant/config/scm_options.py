"""Options of builds from source control: which repositories, how they are fetched, what of this host a checkout gets.

A part of `Config` (`koji_adjutant.config.options`). A path may begin with ~, the home of the daemon's user; whether a
file is there is looked at when a checkout wants it (`koji_adjutant.policy.scm_access`).
"""

# A field specifier is called once, at class definition, which is what it is for.
# ruff: noqa: RUF009

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.config import scm_values as scm
from koji_adjutant.config import values as read
from koji_adjutant.config.option import NOTHING, Place, adjutant, kojid, switch
from koji_adjutant.container.interface import VolumeMount


@dataclass(frozen=True, kw_only=True)
class ScmOptions:
    """The options, with their defaults."""

    allowed_scms: str = kojid(
        "",
        read.text,
        "what may be built from, first match: host:repository[:use_common[:source_cmd]], !host:repository",
    )
    allowed_scms_use_config: bool = switch("allowed_scms decides", on=True)
    allowed_scms_use_policy: bool = switch("the hub's policy build_from_scm decides", on=False)
    allow_password_in_scm_url: bool = switch("source URLs may have a password; see operating.md", on=False)
    scm_credentials_dir: str | None = kojid(
        None,
        read.text,
        "directory of which source_cmd, and nothing else of a task, has a copy at /credentials",
    )
    support_rpm_source_layout: bool = switch(
        "a checkout may have its sources in SOURCES and its spec in SPECS", on=True
    )

    scm_image: str = adjutant(
        "", read.text, "image in which sources are checked out; empty: the task image of the build tag"
    )
    scm_on_host: bool = switch(
        "check out as kojid does: git and svn of this host, as the daemon's user, with all that it has",
        on=False,
        place=Place.ADJUTANT,
    )
    scm_timeout: float = adjutant(4 * 3600.0, read.duration, "time that a checkout may take", shown="4h")
    scm_low_speed: scm.LowSpeed | None = adjutant(
        scm.LowSpeed(bytes=1, seconds=600),
        scm.low_speed,
        "bytes a second/time: a server that is slower for so long has failed (http, ssh); none: no limit",
        shown="1/10m",
    )
    scm_tree_size: int = adjutant(
        50 << 30, read.size, "size of a checkout, its history included", shown="50G"
    )
    scm_tree_files: int = adjutant(2_000_000, read.count, "files of a checkout, its history included")
    scm_cache_size: int = adjutant(
        10 << 30,
        scm.size_or_none,
        "size of mirrors of git repositories, below cache_dir; those not used for longest go first; none: no mirrors",
        shown="10G",
    )
    scm_gitconfig: tuple[Path, ...] = adjutant(
        (Path("/etc/gitconfig"), Path("~/.config/git/config"), Path("~/.gitconfig")),
        scm.user_paths,
        "git's configuration for checkouts, in this order, as far as there",
    )
    scm_netrc: Path | None = adjutant(
        Path("~/.netrc"), scm.optional_user_path, "passwords of servers, for checkouts by http"
    )
    scm_ssh_dir: Path | None = adjutant(
        Path("~/.ssh"),
        scm.optional_user_path,
        "directory with config, keys and known_hosts, for checkouts by ssh; all its files but authorized_keys",
    )
    scm_known_hosts: Path | None = adjutant(
        Path("/etc/ssh/ssh_known_hosts"), scm.optional_user_path, "further known hosts, for checkouts by ssh"
    )
    scm_ccache: str | Path | None = adjutant(
        read.AUTO,
        scm.auto_or_path,
        "Kerberos credential cache, for checkouts by http or ssh; auto: $KRB5CCNAME, else that of the daemon's user "
        "in /tmp; empty: none",
    )
    scm_ca_trust: str | tuple[VolumeMount, ...] = adjutant(
        read.AUTO,
        scm.auto_or_mounts,
        "certificates of authorities, for checkouts and source_cmd: source:target, one or more; auto: those of this "
        "host, where mock copies them to; empty: those of the images",
    )
    scm_environment: Mapping[str, str] = adjutant(
        lambda: NOTHING,
        read.secret_settings,
        "environment of checkouts and of source_cmd, beside the daemon's proxy variables: NAME=value, one a line; "
        "without a value: not that variable",
        shown="",
    )
    rpmautospec: str | bool = adjutant(
        read.AUTO,
        read.auto_or_truth,
        "work a checkout's history into its spec file with rpmautospec, as mock's plugin does: yes, no, or auto, which "
        "is as site-defaults.cfg says",
    )
