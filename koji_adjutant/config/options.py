"""Every option there is: the table behind the program, kojid.conf.example and docs/configuration.md.

A field of `Config` is an option; its metadata say how a value is read, in which section it stands and what it
is for. A Config is made once, at start, and never changes. Options of kojid keep the type that Koji's library
expects.
"""

# A field specifier is called once, at class definition, which is what it is for.
# ruff: noqa: RUF009

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from koji_adjutant.config import values as read
from koji_adjutant.container.interface import IdMap, PullPolicy, Timeouts, VolumeMount

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Place(StrEnum):
    """Where an option may be written."""

    KOJID = "kojid"
    ADJUTANT = "adjutant"
    COMMAND_LINE = "command line"


@dataclass(frozen=True, kw_only=True)
class Option:
    """What is known of an option, beside its name and default."""

    doc: str
    parse: read.Parser
    place: Place
    key: str = ""
    """Its name in the file, where that is not the attribute's."""
    default_text: str | None = None
    has_effect: bool = True
    required: bool = False


def _option(default: Any, option: Option) -> Any:
    shown = option.parse is not read.secret
    if option.required:
        return field(metadata={"option": option}, repr=shown)
    if callable(default):
        return field(default_factory=default, metadata={"option": option}, repr=shown)
    return field(default=default, metadata={"option": option}, repr=shown)


def _required(parse: read.Parser, doc: str, key: str = "", *, shown: str) -> Any:
    return _option(
        None, Option(doc=doc, parse=parse, place=Place.KOJID, key=key, default_text=shown, required=True)
    )


def _kojid(default: Any, parse: read.Parser, doc: str, key: str = "", *, shown: str | None = None) -> Any:
    return _option(default, Option(doc=doc, parse=parse, place=Place.KOJID, key=key, default_text=shown))


def _switch(doc: str, *, on: bool, place: Place = Place.KOJID) -> Any:
    return _option(on, Option(doc=doc, parse=read.truth, place=place))


def _ignored(default: Any, parse: read.Parser, why: str) -> Any:
    return _option(default, Option(doc=why, parse=parse, place=Place.KOJID, has_effect=False))


def _adjutant(default: Any, parse: read.Parser, doc: str, *, shown: str | None = None) -> Any:
    return _option(default, Option(doc=doc, parse=parse, place=Place.ADJUTANT, default_text=shown))


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


_MOCK = "no effect: builds run in containers, not in mock"
_CACHED = "no effect: buildroots are containers and go with their task"
_IMAGES = "no effect: image builds are not supported"
_SCM = "no effect: buildSRPMFromSCM is not supported"
_MAIL = "no effect: notifications are not supported"
_MAVEN = "no effect: Maven builds are not supported"
_IGNORED_FILES = (
    "*.md5 *.sha1 maven-metadata*.xml _maven.repositories _remote.repositories "
    "resolver-status.properties *.lastUpdated"
)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The options, with their defaults."""

    server: str = _required(
        read.url, "URL of the hub's XML-RPC interface", shown="https://koji.example.com/kojihub"
    )
    topurls: tuple[str, ...] = _required(
        read.urls,
        "URL of Koji's files; several: all for buildroots, the first for downloads",
        "topurl",
        shown="https://koji.example.com/kojifiles",
    )
    topdir: str = _kojid("/mnt/koji", read.text, "where the hub's volume is mounted (newRepo, createrepo)")
    workdir: str = _kojid("/var/tmp/koji", read.text, "scratch directory of the tasks")  # noqa: S108
    vendor: str = _kojid("Koji", read.text, "%vendor of the packages")
    packager: str = _kojid("Koji", read.text, "%packager of the packages")
    distribution: str = _kojid("Koji", read.text, "%distribution of the packages")
    mockhost: str = _kojid("koji-linux-gnu", read.text, "second half of %_host")
    chroot_tmpdir: str = _ignored("/chroot_tmpdir", read.text, _MOCK)
    yum_proxy: str | None = _kojid(None, read.text, "proxy for downloads of the buildroot's packages")
    rpmbuild_timeout: int = _kojid(86400, read.whole, "seconds that rpmbuild may take")
    maxjobs: int = _kojid(10, read.whole, "most tasks at a time")
    minspace: int = _kojid(8192, read.whole, "MB that must be free in the engine's storage to take a task")
    sleeptime: int = _kojid(5, read.whole, "seconds between two polls of the hub; kojid's default is 15")
    literal_task_arches: str = _kojid("", read.text, "architectures not made canonical for buildArch tasks")
    build_arch_can_fail: bool = _switch("a failed arch leaves the others running", on=False)
    allowed_scms: str = _ignored("", read.text, _SCM)
    allowed_scms_use_config: bool = _ignored(default=True, parse=read.truth, why=_SCM)
    allowed_scms_use_policy: bool = _ignored(default=False, parse=read.truth, why=_SCM)
    allow_password_in_scm_url: bool = _ignored(default=False, parse=read.truth, why=_SCM)
    scm_credentials_dir: str | None = _ignored(None, read.text, _SCM)
    support_rpm_source_layout: bool = _ignored(default=True, parse=read.truth, why=_SCM)
    mock_bootstrap_image: str = _kojid(
        "", read.text, "honour mock.bootstrap_image of tags; any value permits, even False, as in kojid"
    )
    log_timestamps: bool = _switch("also upload a -ts.log of each log", on=False)
    use_createrepo_c: bool = _ignored(True, read.truth, "no effect: it always is")
    createrepo_update: bool = _switch("createrepo reuses old repodata", on=True)
    createrepo_skip_stat: bool = _switch("createrepo_c --skip-stat on update", on=True)
    distrepo_skip_stat: bool = _ignored(
        default=False, parse=read.truth, why="no effect: distRepo is not supported"
    )
    copy_old_repodata: bool = _switch("newRepo copies unchanged repodata", on=False)
    use_fast_upload: bool = _switch("upload raw data, not base64", on=True)
    retry_interval: int = _kojid(60, read.whole, "most seconds between two attempts of a call")
    max_retries: int = _kojid(120, read.whole, "attempts of a call; in a task, an hour of them at least")
    offline_retry: bool = _switch("keep trying while the hub is offline", on=True)
    offline_retry_interval: int = _kojid(120, read.whole, "most seconds between two attempts while it does")
    timeout: int | None = _kojid(None, read.whole, "seconds that a call may take", shown="12 hours")
    no_ssl_verify: bool = _switch("trust any certificate of the hub", on=False)
    cert: str | None = _kojid(
        lambda: _present("/etc/kojid/client.crt"),
        read.text,
        "certificate and key for login",
        shown="/etc/kojid/client.crt if present",
    )
    serverca: str | None = _kojid(
        lambda: _present("/etc/kojid/serverca.crt"),
        read.text,
        "CA certificates for https",
        shown="/etc/kojid/serverca.crt if present",
    )
    user: str | None = _kojid(None, read.text, "user for login with a password")
    password: str | None = _kojid(None, read.secret, "its password")
    krb_principal: str | None = _kojid(None, read.text, "Kerberos principal for login")
    host_principal_format: str = _kojid("compile/%s@EXAMPLE.COM", read.text, "principal; %s is the host name")
    keytab: str = _kojid("/etc/kojid/kojid.keytab", read.text, "key of the Kerberos principal")
    ccache: str = _kojid("/var/tmp/kojid.ccache", read.text, "credential cache")  # noqa: S108
    plugin: tuple[str, ...] = _kojid((), read.words, "builder plugins to load; plugins is the same option")
    pluginpath: str = _kojid("/usr/lib/koji-builder-plugins", read.text, "directories of plugins")
    smtphost: str = _ignored("example.com", read.text, _MAIL)
    smtp_user: str | None = _ignored(None, read.text, _MAIL)
    smtp_pass: str | None = _ignored(None, read.secret, _MAIL)
    from_addr: str = _ignored("Koji Build System <buildsys@example.com>", read.text, _MAIL)
    admin_emails: str | None = _kojid(None, read.text, "addresses that get error messages of the daemon")
    log_level: int | None = _kojid(None, read.log_level, "least severe messages to log", shown="WARNING")
    rlimits: Mapping[str, str] = _kojid(
        lambda: NOTHING,
        read.text,
        "limit of our processes: soft, or soft and hard",
        "rlimit_*",
        shown="",
    )

    mockdir: str = _ignored("/var/lib/mock", read.text, _MOCK)
    mockuser: str = _ignored("kojibuilder", read.text, _MOCK)
    buildroot_basic_cleanup_delay: int = _ignored(120, read.whole, _CACHED)
    buildroot_final_cleanup_delay: int = _ignored(86400, read.whole, _CACHED)
    failed_buildroot_lifetime: int = _ignored(14400, read.whole, _CACHED)
    maven_repo_ignore: str = _ignored(_IGNORED_FILES, read.text, _MAVEN)
    oz_install_timeout: int = _ignored(0, read.whole, _IMAGES)
    xz_options: str = _ignored("-z6T0", read.text, _IMAGES)
    allow_noverifyssl: bool = _ignored(False, read.truth, _IMAGES)
    task_avail_delay: int = _ignored(300, read.whole, "no effect since Koji 1.34")
    pkgurl: str | None = _ignored(None, read.text, "no effect: obsolete in Koji")

    task_image_default: str = _adjutant(
        "koji-adjutant-task:almalinux10", read.text, "task image where no policy names another"
    )
    image_pull_policy: PullPolicy = _adjutant(
        PullPolicy.MISSING, read.pull_policy, "when task images are pulled: always, missing, newer, never"
    )
    container_mounts: tuple[VolumeMount, ...] = _adjutant(
        (), read.mounts, "mounts of tool containers: source:target[:options], read-only without rw"
    )
    network_enabled: bool = _switch(
        "no takes the network from tasks that have it; yes gives it to no other",
        on=True,
        place=Place.ADJUTANT,
    )
    container_labels: Mapping[str, str] = _adjutant(
        lambda: NOTHING, read.labels, "further labels of containers: name=value", shown=""
    )
    container_timeouts: Timeouts = _adjutant(
        Timeouts(),
        read.timeouts,
        "seconds for requests to the engine",
        shown="pull=1800 create=60 start=60 stop=30",
    )
    policy_enabled: bool = _switch("let build tags choose their task image", on=True, place=Place.ADJUTANT)
    policy_cache_ttl: int = _adjutant(
        300, read.whole, "seconds for which createrepo uses what it has read of a tag's policy; 0: none"
    )
    limits: Mapping[str, float | None] = _adjutant(
        lambda: NOTHING,
        read.limits,
        "most that containers of a task may take: memory=16G cpus=4 pids=16384 build_disk=40G "
        "build_inodes=2000000; none lifts a limit",
        shown="",
    )
    limits_buildarch: Mapping[str, float | None] = _adjutant(
        lambda: NOTHING, read.limits, "the same for buildArch, over limits", shown=""
    )
    limits_rebuildsrpm: Mapping[str, float | None] = _adjutant(
        lambda: NOTHING, read.limits, "the same for rebuildSRPM, over limits", shown=""
    )
    limits_createrepo: Mapping[str, float | None] = _adjutant(
        lambda: NOTHING, read.limits, "the same for createrepo, over limits", shown=""
    )
    build_env: Mapping[str, str] = _adjutant(
        lambda: NOTHING,
        read.settings,
        "environment of builds, below rpm.env.* of the tag: NAME=value, one a line",
        shown="",
    )
    build_macros: Mapping[str, str] = _adjutant(
        lambda: NOTHING,
        read.macros,
        "macros of builds, below those of Koji and of the tag: %name value, one a line",
        shown="",
    )
    build_mounts: tuple[VolumeMount, ...] = _adjutant(
        (), read.mounts, "mounts of build containers: source:target[:options], read-only without rw"
    )
    allowed_build_privileges: frozenset[str] = _adjutant(
        frozenset(),
        read.privileges,
        f"what build tags may ask for by adjutant.build_privileges: {', '.join(read.PRIVILEGES)}",
        shown="",
    )
    user_namespace: str | IdMap = _adjutant(
        "auto",
        read.user_namespace,
        "whether builds and installations have a user namespace: auto (where the engine can, and no build_mounts), "
        "yes, no, or first:size of its host ids",
    )
    podman_socket: Path = _adjutant(
        default_socket,
        read.socket_path,
        "podman's socket",
        shown="$CONTAINER_HOST, else $XDG_RUNTIME_DIR/podman/podman.sock, for root /run/podman/podman.sock",
    )
    host_mount_map: tuple[tuple[str, str], ...] = _adjutant(
        (), read.path_map, "our:engine pairs of paths, where the engine sees other paths than we do"
    )
    registry_auth_file: Path | None = _adjutant(None, read.optional_path, "credentials of registries")
    state_dir: Path = _adjutant(Path("/var/lib/koji-adjutant"), read.absolute_path, "state of the daemon")
    cache_dir: Path = _adjutant(
        Path("cache"),
        read.absolute_path,
        "downloads that tasks share",
        shown="cache in state_dir",
    )
    buildroot_cache_size: int = _adjutant(
        50 << 30, read.size, "size of all buildroot images; those not used for longest go first", shown="50G"
    )
    buildroot_cache_age: float = _adjutant(
        14 * 86400.0, read.duration, "time after which a buildroot image that nobody used goes", shown="14d"
    )
    download_cache_size: int = _adjutant(
        20 << 30,
        read.size,
        "size of downloaded packages and metadata; those not used for longest go first",
        shown="20G",
    )
    install_timeout: float = _adjutant(
        86400.0, read.duration, "time that finding or installing a buildroot's packages may take", shown="1d"
    )
    prewarm: bool = _switch(
        "make the buildroot image of a new repo before a task needs it, for tags lately built for",
        on=True,
        place=Place.ADJUTANT,
    )
    container_log_age: float = _adjutant(
        14 * 86400.0,
        read.duration,
        "time after which a task's container.log, below topdir or state_dir, goes",
        shown="14d",
    )
    log_size_limit: int = _adjutant(4 << 30, read.size, "size of a log that stops its build", shown="4G")
    solver_network: str = _adjutant(
        "bridge",
        read.network,
        "network of containers that have one: bridge, pasta, slirp4netns, host, or a network's name",
    )
    log_file: Path | None = _adjutant(
        Path("/var/log/kojid.log"), read.optional_path, "the daemon's log; empty: none but standard error"
    )
    max_load_per_cpu: float = _adjutant(4.0, read.positive, "load average a CPU up to which tasks are taken")

    single: bool = _switch("run one task, in this process, and end", on=False, place=Place.COMMAND_LINE)
    debug: bool = _switch("log debug messages", on=False, place=Place.COMMAND_LINE)
    debug_task: bool = _switch("log debug messages of tasks", on=False, place=Place.COMMAND_LINE)
    debug_xmlrpc: bool = _switch("log calls to the hub", on=False, place=Place.COMMAND_LINE)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cache_dir", self.state_dir / self.cache_dir)

    @property
    def topurl(self) -> str:
        """The URL that downloads come from."""
        return self.topurls[0]

    def engine_path(self, path: Path) -> str:
        """What the engine calls a path of ours."""
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
    for item in fields(Config):
        option: Option = item.metadata["option"]
        default = None if item.default is MISSING else item.default
        rows.append(Row(attribute=item.name, key=option.key or item.name, option=option, default=default))
    return tuple(rows)
