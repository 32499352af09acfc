"""Every option there is: the table behind the program, kojid.conf.example and docs/configuration.md.

A field of `Config` is an option; its metadata (`koji_adjutant.config.option`) say how a value is read, in which
section it stands and what it is for. A Config is made once, at start, and never changes. Options of kojid keep the
type that Koji's library expects. Those of one subject may have a base class of their own.
"""

# A field specifier is called once, at class definition, which is what it is for.
# ruff: noqa: RUF009

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any

from koji_adjutant.config import values as read
from koji_adjutant.config.build_mounts import BuildMount, read_build_mounts
from koji_adjutant.config.monitoring_options import MonitoringOptions
from koji_adjutant.config.option import (
    NOTHING,
    Option,
    Place,
    adjutant,
    ignored,
    kojid,
    required,
    switch,
)
from koji_adjutant.config.scm_options import ScmOptions
from koji_adjutant.container.interface import IdMap, PullPolicy, Timeouts, VolumeMount
from koji_adjutant.host.disks import LEAST_STATE_BYTES, Disk
from koji_adjutant.policy.methods import IN_CONTAINERS


def _present(path: str) -> str | None:
    return path if Path(path).exists() else None


def default_socket(environment: Mapping[str, str] = os.environ) -> Path:
    """Where podman's clients look for its service."""
    if environment.get("CONTAINER_HOST"):
        return read.socket_path(environment["CONTAINER_HOST"])
    runtime = environment.get("XDG_RUNTIME_DIR")
    if os.geteuid() != 0 and runtime:
        return Path(runtime) / "podman/podman.sock"
    return Path("/run/podman/podman.sock")


DEFAULT_STATE_DIR = Path("/var/lib/koji-adjutant")
_MOCK = "no effect: builds run in containers, not in mock"
_CACHED = "no effect: buildroots are containers and go with their task"
_IMAGES = "no effect: image builds are not supported"
_MAVEN = "no effect: Maven builds are not supported"
_IGNORED_FILES = (
    "*.md5 *.sha1 maven-metadata*.xml _maven.repositories _remote.repositories "
    "resolver-status.properties *.lastUpdated"
)


@dataclass(frozen=True, kw_only=True)
class Config(ScmOptions, MonitoringOptions):
    """The options, with their defaults."""

    server: str = required(
        read.url, "URL of the hub's XML-RPC interface", shown="https://koji.example.com/kojihub"
    )
    topurls: tuple[str, ...] = required(
        read.urls,
        "URL of Koji's files; several: all for buildroots, the first for downloads",
        "topurl",
        shown="https://koji.example.com/kojifiles",
    )
    topdir: str = kojid("/mnt/koji", read.text, "where the hub's volume is mounted (newRepo, createrepo)")
    workdir: str = kojid("/var/tmp/koji", read.text, "scratch directory of the tasks")  # noqa: S108
    vendor: str = kojid("Koji", read.text, "%vendor of the packages")
    packager: str = kojid("Koji", read.text, "%packager of the packages")
    distribution: str = kojid("Koji", read.text, "%distribution of the packages")
    mockhost: str = kojid("koji-linux-gnu", read.text, "second half of %_host")
    chroot_tmpdir: str = ignored("/chroot_tmpdir", read.text, _MOCK)
    yum_proxy: str | None = kojid(None, read.text, "proxy for downloads of the buildroot's packages")
    rpmbuild_timeout: int = kojid(86400, read.whole, "seconds that rpmbuild may take")
    maxjobs: int = kojid(10, read.whole, "most tasks at a time")
    minspace: int = kojid(8192, read.whole, "MB that must be free in the engine's storage to take a task")
    sleeptime: int = kojid(5, read.whole, "seconds between two polls of the hub; kojid's default is 15")
    literal_task_arches: str = kojid("", read.text, "architectures not made canonical for buildArch tasks")
    build_arch_can_fail: bool = switch("a failed arch leaves the others running", on=False)
    mock_bootstrap_image: str = kojid(
        "", read.text, "honour mock.bootstrap_image of tags; any value permits, even False, as in kojid"
    )
    log_timestamps: bool = switch("also upload a -ts.log of each log", on=False)
    use_createrepo_c: bool = ignored(True, read.truth, "no effect: it always is")
    createrepo_update: bool = switch("createrepo reuses old repodata", on=True)
    createrepo_skip_stat: bool = switch("createrepo_c --skip-stat on update", on=True)
    distrepo_skip_stat: bool = ignored(
        default=False, parse=read.truth, why="no effect: distRepo is not supported"
    )
    copy_old_repodata: bool = switch("newRepo copies unchanged repodata", on=False)
    use_fast_upload: bool = switch("upload raw data, not base64", on=True)
    retry_interval: int = kojid(60, read.whole, "most seconds between two attempts of a call")
    max_retries: int = kojid(120, read.whole, "attempts of a call; in a task, an hour of them at least")
    offline_retry: bool = switch("keep trying while the hub is offline", on=True)
    offline_retry_interval: int = kojid(120, read.whole, "most seconds between two attempts while it does")
    timeout: int | None = kojid(None, read.whole, "seconds that a call may take", shown="12 hours")
    no_ssl_verify: bool = switch("trust any certificate of the hub", on=False)
    cert: str | None = kojid(
        lambda: _present("/etc/kojid/client.crt"),
        read.text,
        "certificate and key for login",
        shown="/etc/kojid/client.crt if present",
    )
    serverca: str | None = kojid(
        lambda: _present("/etc/kojid/serverca.crt"),
        read.text,
        "CA certificates for https",
        shown="/etc/kojid/serverca.crt if present",
    )
    user: str | None = kojid(None, read.text, "user for login with a password")
    password: str | None = kojid(None, read.secret, "its password")
    krb_principal: str | None = kojid(None, read.text, "Kerberos principal for login")
    host_principal_format: str = kojid("compile/%s@EXAMPLE.COM", read.text, "principal; %s is the host name")
    keytab: str = kojid("/etc/kojid/kojid.keytab", read.text, "key of the Kerberos principal")
    ccache: str = kojid("/var/tmp/kojid.ccache", read.text, "credential cache")  # noqa: S108
    plugin: tuple[str, ...] = kojid(
        (),
        read.words,
        "builder plugins to load; plugins is the same option; one that cannot be loaded: see operating.md",
    )
    pluginpath: str = kojid("/usr/lib/koji-builder-plugins", read.text, "directories of plugins")
    smtphost: str = kojid(
        "example.com", read.text, "server that takes the mails of notifications, or server:port"
    )
    smtp_user: str | None = kojid(None, read.text, "user for login there")
    smtp_pass: str | None = kojid(None, read.secret, "its password")
    from_addr: str = kojid(
        "Koji Build System <buildsys@example.com>", read.text, "sender of the mails of notifications"
    )
    admin_emails: str | None = kojid(None, read.text, "addresses that get error messages of the daemon")
    log_level: int | None = kojid(None, read.log_level, "least severe messages to log", shown="WARNING")
    rlimits: Mapping[str, str] = kojid(
        lambda: NOTHING,
        read.text,
        "limit of each process, of ours and in containers: soft, or soft and hard; -1 is none",
        "rlimit_*",
        shown="",
    )

    mockdir: str = ignored("/var/lib/mock", read.text, _MOCK)
    mockuser: str = ignored("kojibuilder", read.text, _MOCK)
    buildroot_basic_cleanup_delay: int = ignored(120, read.whole, _CACHED)
    buildroot_final_cleanup_delay: int = ignored(86400, read.whole, _CACHED)
    failed_buildroot_lifetime: int = ignored(14400, read.whole, _CACHED)
    maven_repo_ignore: str = ignored(_IGNORED_FILES, read.text, _MAVEN)
    oz_install_timeout: int = ignored(0, read.whole, _IMAGES)
    xz_options: str = ignored("-z6T0", read.text, _IMAGES)
    allow_noverifyssl: bool = ignored(False, read.truth, _IMAGES)
    task_avail_delay: int = ignored(300, read.whole, "no effect since Koji 1.34")
    pkgurl: str | None = ignored(None, read.text, "no effect: obsolete in Koji")

    task_image_default: str = adjutant(
        "koji-adjutant-task:almalinux10", read.text, "task image where no policy names another"
    )
    image_pull_policy: PullPolicy = adjutant(
        PullPolicy.MISSING, read.pull_policy, "when task images are pulled: always, missing, newer, never"
    )
    container_mounts: tuple[VolumeMount, ...] = adjutant(
        (), read.mounts, "mounts of tool containers: source:target[:options], read-only without rw"
    )
    network_enabled: bool = switch(
        "no takes the network from tasks that have it; yes gives it to no other",
        on=True,
        place=Place.ADJUTANT,
    )
    container_labels: Mapping[str, str] = adjutant(
        lambda: NOTHING, read.labels, "further labels of containers: name=value", shown=""
    )
    container_timeouts: Timeouts = adjutant(
        Timeouts(),
        read.timeouts,
        "seconds for requests to the engine",
        shown="pull=1800 create=60 start=60 stop=30",
    )
    policy_enabled: bool = switch("let build tags choose their task image", on=True, place=Place.ADJUTANT)
    policy_cache_ttl: int = adjutant(
        300, read.whole, "seconds for which createrepo uses what it has read of a tag's policy; 0: none"
    )
    limits: Mapping[str, float | None] = adjutant(
        lambda: NOTHING,
        read.limits,
        "most that containers of a task may take: memory=16G cpus=4 pids=16384 build_disk=40G "
        f"build_inodes=2000000; none lifts a limit; {IN_CONTAINERS[0]}.memory=8G is for that method alone, and goes "
        f"first ({', '.join(IN_CONTAINERS)})",
        shown="",
    )
    build_env: Mapping[str, str] = adjutant(
        lambda: NOTHING,
        read.settings,
        "environment of builds, below rpm.env.* of the tag: NAME=value, one a line",
        shown="",
    )
    build_macros: Mapping[str, str] = adjutant(
        lambda: NOTHING,
        read.macros,
        "macros of builds, below those of Koji and of the tag: %name value, one a line",
        shown="",
    )
    build_mounts: tuple[BuildMount, ...] = adjutant(
        (),
        read_build_mounts,
        "mounts of build containers: source:target[:options], read-only without rw; gid=GROUP puts "
        "builds into that group of this host (operating.md)",
    )
    mock_site_defaults: Path | None = adjutant(
        Path("/etc/mock/site-defaults.cfg"),
        read.optional_path,
        "where options of the package manager are read, if it is there; empty: mock's defaults",
    )
    package_manager_fallback: bool = switch(
        "let the other of dnf 4 and dnf 5 solve where the task image lacks the one of the tag, as mock does without "
        "a bootstrap chroot",
        on=False,
        place=Place.ADJUTANT,
    )
    allowed_build_privileges: frozenset[str] = adjutant(
        frozenset(),
        read.privileges,
        f"what build tags may ask for by adjutant.build_privileges: {', '.join(read.PRIVILEGES)}",
        shown="",
    )
    user_namespace: str | IdMap = adjutant(
        "auto",
        read.user_namespace,
        "whether builds and installations have a user namespace: auto (where the engine can, and no build_mounts), "
        "yes, no, or first:size of its host ids",
    )
    podman_socket: Path = adjutant(
        default_socket,
        read.socket_path,
        "podman's socket",
        shown="$CONTAINER_HOST, else $XDG_RUNTIME_DIR/podman/podman.sock, for root /run/podman/podman.sock",
    )
    host_mount_map: tuple[tuple[str, str], ...] = adjutant(
        (),
        read.path_map,
        "our:engine pairs of paths, where the engine sees other paths than we do; empty in a container: what the "
        "engine says of its mounts",
    )
    registry_auth_file: Path | None = adjutant(None, read.optional_path, "credentials of registries")
    state_dir: Path = adjutant(DEFAULT_STATE_DIR, read.absolute_path, "state of the daemon")
    cache_dir: Path = adjutant(
        Path("cache"),
        read.absolute_path,
        "downloads that tasks share",
        shown="cache in state_dir",
    )
    buildroot_cache_size: int = adjutant(
        50 << 30, read.size, "size of all buildroot images; those not used for longest go first", shown="50G"
    )
    buildroot_cache_age: float = adjutant(
        14 * 86400.0, read.duration, "time after which a buildroot image that nobody used goes", shown="14d"
    )
    download_cache_size: int = adjutant(
        20 << 30,
        read.size,
        "size of downloaded packages and metadata; those not used for longest go first",
        shown="20G",
    )
    install_timeout: float = adjutant(
        86400.0, read.duration, "time that finding or installing a buildroot's packages may take", shown="1d"
    )
    build_evidence: bool = switch(
        "upload resources.json with the logs of a build: what it took of memory, cpus and disk, in each phase",
        on=False,
        place=Place.ADJUTANT,
    )
    prewarm: bool = switch(
        "make the buildroot image of a new repo before a task needs it, for tags lately built for",
        on=True,
        place=Place.ADJUTANT,
    )
    container_log_age: float = adjutant(
        14 * 86400.0,
        read.duration,
        "time after which a task's container.log, below topdir or state_dir, goes",
        shown="14d",
    )
    log_size_limit: int = adjutant(4 << 30, read.size, "size of a log that stops its build", shown="4G")
    solver_network: str = adjutant(
        "bridge",
        read.network,
        "network of containers that have one: bridge, pasta, slirp4netns, host, or a network's name",
    )
    smtp_tls: read.SmtpTls = adjutant(
        read.SmtpTls.NO, read.smtp_tls, "whether mail is sent with TLS: no, starttls, tls (port 465)"
    )
    log_file: Path | None = adjutant(
        Path("/var/log/kojid.log"), read.optional_path, "the daemon's log; empty: none but standard error"
    )
    max_load_per_cpu: float = adjutant(4.0, read.positive, "load average a CPU up to which tasks are taken")

    single: bool = switch("run one task, in this process, and end", on=False, place=Place.COMMAND_LINE)
    debug: bool = switch("log debug messages", on=False, place=Place.COMMAND_LINE)
    debug_task: bool = switch("log debug messages of tasks", on=False, place=Place.COMMAND_LINE)
    debug_xmlrpc: bool = switch("log calls to the hub", on=False, place=Place.COMMAND_LINE)

    notices: tuple[str, ...] = ()
    """No option: what whoever wrote the configuration should know, for the daemon's log and `config check`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cache_dir", self.state_dir / self.cache_dir)

    @property
    def topurl(self) -> str:
        """The URL that downloads come from."""
        return self.topurls[0]

    @property
    def disks(self) -> tuple[Disk, ...]:
        """The directories that the daemon and its tasks write to on this host."""
        return (
            Disk(option="workdir", path=Path(self.workdir)),
            Disk(option="cache_dir", path=self.cache_dir),
            Disk(option="state_dir", path=self.state_dir, least=LEAST_STATE_BYTES),
        )

    def engine_path(self, path: Path) -> str:
        """The engine's path of `path`, a path on this host."""
        ours = PurePosixPath(path)
        matching = [(local, engine) for local, engine in self.host_mount_map if ours.is_relative_to(local)]
        if not matching:
            return str(ours)
        local, engine = max(matching, key=lambda pair: len(pair[0]))
        return str(PurePosixPath(engine) / ours.relative_to(local))

    def our_path(self, path: str) -> Path:
        """What we call a path of the engine's."""
        theirs = PurePosixPath(path)
        matching = [(local, engine) for local, engine in self.host_mount_map if theirs.is_relative_to(engine)]
        if not matching:
            return Path(theirs)
        local, engine = max(matching, key=lambda pair: len(pair[1]))
        return Path(local, theirs.relative_to(engine))


@dataclass(frozen=True, kw_only=True)
class Row:
    """An option with its names and default: what a reader of the table wants."""

    attribute: str
    key: str
    option: Option
    default: Any


def table() -> tuple[Row, ...]:
    """All options, in the order in which they are documented."""
    rows = []
    of_bases = tuple(item for base in (ScmOptions, MonitoringOptions) for item in fields(base))
    names_of_bases = {item.name for item in of_bases}
    own = tuple(item for item in fields(Config) if item.name not in names_of_bases)
    for item in (*own, *of_bases):
        option: Option | None = item.metadata.get("option")
        if option is None:
            continue
        default = None if item.default is MISSING else item.default
        rows.append(Row(attribute=item.name, key=option.key or item.name, option=option, default=default))
    return tuple(rows)
