"""What a buildroot is to be, worked out from hub data and configuration: pure, made once per task.

`BuildrootSettings` is complete: `mock_config.log` is made of it, and two buildroots with equal settings and equal
repos are equal (kojid-facts 4.2).
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import koji

from koji_adjutant import names
from koji_adjutant.config import Config
from koji_adjutant.config.package_manager import (
    FALLBACKS,
    MOCKS_OWN,
    PackageManagerOptions,
    PackageManagers,
    read_package_managers,
)
from koji_adjutant.errors import BuildrootFailed, ConfigError

BUILD_USER = "mockbuild"
BUILD_GROUP = "mock"
BUILD_IDS = (1000, 135)
"""uid and gid of the build user; 135 is the static gid of group mock."""
HOME = "/builddir"
TOPDIR = f"{HOME}/build"
SCRATCH = "/chroot_tmpdir"
"""Where kojid has temporary files in a root; the path gets into source packages."""

READY_STATES = (koji.REPO_READY, koji.REPO_EXPIRED)
LOCALTIME = Path("/etc/localtime")
REFUSED_EXTRA = ("mock.plugin_conf.sign_enable",)
WITHOUT_EFFECT = ("mock.use_bootstrap", "mock.new_chroot", "mock.bootstrap_image_ready", "mock.yum.best")
"""Which of mock's own means is used, and an option that Koji's configuration has where dnf does not look for it."""

UNSIGNED: Mapping[str, str] = {"%_openpgp_autosign_id": "%{nil}"}
"""rpm 6 signs what it builds where a key is named; a build has none, whoever names one: the tag, the site, the root."""
NOTHING: Mapping[str, object] = {}
WITHOUT_DRIVER = PackageManagerOptions(allow_erasing=False)
"""Options of a package manager that is none of mock's: none."""

ENVIRONMENT: Mapping[str, str] = {
    "TERM": "vt100",
    "SHELL": "/bin/bash",
    "HOME": HOME,
    "HOSTNAME": "mock",
    "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
    "PROMPT_COMMAND": r'printf "\033]0;<mock-chroot>\007"',
    "PS1": r"<mock-chroot> \s-\v\$ ",
    "LANG": "C.UTF-8",
}
"""The environment of mock's builds."""


@dataclass(frozen=True, kw_only=True)
class BuildrootSettings:
    """All that is decided of one buildroot. `arch` is the canonical arch of the root, `target_arch` what rpmbuild is
    told to build for."""

    tag_id: int
    tag_name: str
    repo_id: int
    event_id: int
    arch: str
    target_arch: str
    group: str
    baseurls: tuple[str, ...]
    macros: Mapping[str, str]
    environment: Mapping[str, str]
    proxy: str = ""
    package_manager: str = "dnf"
    manager_options: PackageManagerOptions = MOCKS_OWN
    fallbacks: tuple[tuple[str, PackageManagerOptions], ...] = ()
    """Package managers that may take its place where the task image does not have it, with their options."""
    releasever: str = ""
    module_hotfixes: bool | None = None
    modules: tuple[tuple[str, str], ...] = ()
    """Commands of the package manager before anything is installed: action and module specifications."""
    forcearch: str = ""
    """Architecture that packages are taken for whatever this machine is; empty when it is not forced."""
    timezone: str = ""
    """Where the root's /etc/localtime points to: where this host's does."""
    rpmbuild_timeout: int = 86400
    mock_options: Mapping[str, Any] = field(default_factory=dict)
    """These settings in the words of koji.genMockConfig, without what the record on the hub decides."""
    ignored: tuple[str, ...] = ()

    @property
    def rpmmacros(self) -> str:
        """Text of the build user's .rpmmacros."""
        return "".join(f"{name} {value}\n" for name, value in {**self.macros, **UNSIGNED}.items())

    def text(
        self,
        *,
        name: str,
        images: Mapping[str, str],
        buildroot_id: int = 0,
        notes: Mapping[str, object] = NOTHING,
    ) -> str:
        """`mock_config.log`: mock's configuration of the buildroot `name`; as comments, what mock has no words for.

        `images` are what the buildroot is made with; `notes` are further rows, limits say.
        """
        rows: list[tuple[str, object]] = [
            ("event of the repo", self.event_id),
            ("arch of the root", self.arch),
            ("package manager", self.package_manager),
            *(("package manager in place of it", name) for name, _ in self.fallbacks),
            ("packages may be erased", self.manager_options.allow_erasing),
            *((f"option {name}", value) for name, value in self.manager_options.settings),
            ("user of the build", f"{BUILD_USER} {BUILD_IDS[0]}:{BUILD_IDS[1]} ({BUILD_GROUP})"),
            ("/etc/localtime", self.timezone or "none"),
            *((f"image {kind}", digest) for kind, digest in images.items()),
            *notes.items(),
            *((f"macro {macro}", value) for macro, value in self.macros.items()),
            *((f"environment {key}", value) for key, value in self.environment.items()),
            *(("without effect", key) for key in self.ignored),
        ]
        made_by = "".join(f"# {names.one_line(key)} = {names.one_line(value)}\n" for key, value in rows)
        options = {**self.mock_options, "buildroot_id": buildroot_id}
        return koji.genMockConfig(name, self.arch, managed=True, **options) + "\n# koji-adjutant:\n" + made_by


def buildroot_settings(
    *,
    repo: Mapping[str, Any],
    build_config: Mapping[str, Any],
    arch: str,
    group: str,
    config: Config,
    ncpus: int | None = None,
) -> BuildrootSettings:
    """The settings for `repo` (repoInfo) of the tag `build_config` (getBuildConfig); BuildrootFailed if unusable.

    `ncpus` is what a limit leaves to the build, which cannot see it by itself.
    """
    check_repo(repo, build_config)
    names.file_name(arch, "architecture", BuildrootFailed)
    extra = build_config["extra"]
    check_extra(build_config["name"], extra)
    macros = rpm_macros(extra, target_arch=arch, config=config, ncpus=ncpus)
    jobs = {} if ncpus is None else {"RPM_BUILD_NCPUS": str(ncpus)}
    environment = {**ENVIRONMENT, **jobs, **config.build_env, **prefixed(extra, "rpm.env.")}
    check_names(build_config["name"], macros, environment)
    canonical = koji.canonArch(arch)
    managers = site_managers(config)
    package_manager = str(extra.get("mock.package_manager") or managers.default)
    location = f"repos/{build_config['name']}/{int(repo['id'])}/{canonical}"
    return BuildrootSettings(
        tag_id=build_config["id"],
        tag_name=build_config["name"],
        repo_id=repo["id"],
        event_id=repo["create_event"],
        arch=canonical,
        target_arch=arch,
        group=group,
        baseurls=tuple(names.url_below(url, location, "repo", BuildrootFailed) for url in config.topurls),
        macros=macros,
        environment=environment,
        proxy=config.yum_proxy or "",
        package_manager=package_manager,
        manager_options=managers.options.get(package_manager, WITHOUT_DRIVER),
        fallbacks=fallbacks(package_manager, managers, config),
        releasever=str(extra.get("mock.releasever") or ""),
        module_hotfixes=only_true(extra.get("mock.yum.module_hotfixes")),
        modules=module_commands(extra.get("mock.module_setup_commands")),
        forcearch=arch if extra.get("mock.forcearch") else "",
        timezone=host_timezone(),
        rpmbuild_timeout=config.rpmbuild_timeout,
        mock_options=mock_options(repo, build_config, arch=arch, group=group, config=config),
        ignored=tuple(key for key in WITHOUT_EFFECT if key in extra),
    )


def fallbacks(
    package_manager: str, managers: PackageManagers, config: Config
) -> tuple[tuple[str, PackageManagerOptions], ...]:
    """What may solve where the task image lacks the package manager, with its options."""
    names_of_others = FALLBACKS.get(package_manager, ()) if config.package_manager_fallback else ()
    return tuple((name, managers.options[name]) for name in names_of_others)


def site_managers(config: Config) -> PackageManagers:
    """What a site says of package managers, as mock would read it now; BuildrootFailed if it cannot be honoured."""
    try:
        return read_package_managers(config.mock_site_defaults)
    except ConfigError as error:
        raise BuildrootFailed(
            f"options of the package manager cannot be honoured: {error.message}", hint=error.hint
        ) from error


def check_repo(repo: Mapping[str, Any], build_config: Mapping[str, Any]) -> None:
    """BuildrootFailed unless the repo is this tag's and usable; an expired repo is (kojid-facts 4.2)."""
    if repo["tag_id"] != build_config["id"]:
        raise BuildrootFailed(
            f"repo {repo['id']} belongs to tag {repo['tag_name']}, not to the build tag {build_config['name']}",
            hint="give a repo of the build tag, or none",
        )
    if repo["state"] not in READY_STATES:
        state = koji.REPO_STATES[repo["state"]]
        raise BuildrootFailed(
            f"repo {repo['id']} of tag {build_config['name']} is {state}, not READY",
            hint="wait for the tag's newRepo task, or regenerate the repo",
        )


def check_extra(tag: str, extra: Mapping[str, Any]) -> None:
    """BuildrootFailed for a setting of the tag that would change the buildroot and cannot be honoured."""
    for key in REFUSED_EXTRA:
        if extra.get(key):
            raise BuildrootFailed(
                f"tag {tag} sets {key}, which this builder cannot honour",
                hint="remove the setting, or build on another host",
            )


def check_names(tag: str, macros: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """BuildrootFailed for a macro or variable that mock does not take either."""
    for name, value in macros.items():
        if not value or len(name.split()) != 1 or name == "%":
            raise BuildrootFailed(
                f"tag {tag} sets rpm.macro.{name.removeprefix('%')} to {value!r}; a macro needs a name and a value",
                hint="remove the setting, or give it a value",
            )
    for name, value in environment.items():
        if not name or "=" in name or "\0" in name + value:
            raise BuildrootFailed(
                f"tag {tag} sets rpm.env.{name} to {value!r}, which no environment can have",
                hint="correct the setting",
            )


def rpm_macros(
    extra: Mapping[str, Any], *, target_arch: str, config: Config, ncpus: int | None = None
) -> dict[str, str]:
    """The macros of the build user, by name with the percent sign, in the order in which mock writes them.

    Of two rules for a macro the later wins: this builder's own, Koji's, the tag's, and what no tag may change.
    """
    first = {"%_topdir": TOPDIR, "%_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"}
    jobs = {} if ncpus is None else {"%_smp_build_ncpus": str(ncpus)}
    found = {
        **jobs,
        **config.build_macros,
        **first,
        "%vendor": config.vendor,
        "%packager": config.packager,
        "%distribution": config.distribution,
        **{f"%{name}": value for name, value in prefixed(extra, "rpm.macro.").items()},
        "%_topdir": TOPDIR,
        "%_host_cpu": target_arch,
        "%_host": f"{target_arch}-{config.mockhost}",
    }
    ordered = [*first, *sorted(found.keys() - first.keys())]
    own = {name: found[name] for name in ordered}
    return own if "%_buildhost" in own else {**own, "%_buildhost": socket.getfqdn()}


def mock_options(
    repo: Mapping[str, Any], build_config: Mapping[str, Any], *, arch: str, group: str, config: Config
) -> dict[str, Any]:
    """What kojid tells koji.genMockConfig of such a buildroot."""
    extra = build_config["extra"]
    options = {
        "repoid": repo["id"],
        "tag_name": build_config["name"],
        "topurls": [url.rstrip("/") for url in config.topurls],
        "mockdir": config.mockdir,
        "target_arch": arch,
        "install_group": group,
        "rpmbuild_timeout": config.rpmbuild_timeout,
        "vendor": config.vendor,
        "packager": config.packager,
        "distribution": config.distribution,
        "mockhost": config.mockhost,
        "yum_proxy": config.yum_proxy,
        "yum_best": only_true(extra.get("mock.yum.best")),
        "module_hotfixes": only_true(extra.get("mock.yum.module_hotfixes")),
        "tag_macros": {f"%{name}": value for name, value in prefixed(extra, "rpm.macro.").items()},
        "tag_envvars": prefixed(extra, "rpm.env."),
    }
    for key in ("package_manager", "module_setup_commands", "releasever", "use_bootstrap"):
        if f"mock.{key}" in extra:
            options[key] = extra[f"mock.{key}"]
    if extra.get("mock.forcearch"):
        options["forcearch"] = arch
    return options


def module_commands(given: Any) -> tuple[tuple[str, str], ...]:
    """mock.module_setup_commands: a list of pairs, of which the second may be missing."""
    if not given:
        return ()
    try:
        return tuple((str(action), str(modules or "")) for action, modules in given)
    except (TypeError, ValueError) as error:
        raise BuildrootFailed(
            f"mock.module_setup_commands of the tag is {given!r}, not a list of [action, modules]",
            hint="correct the setting",
        ) from error


def host_timezone() -> str:
    """Where this host's /etc/localtime points to; empty when it is no link."""
    return str(LOCALTIME.readlink()) if LOCALTIME.is_symlink() else ""


def prefixed(extra: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """The entries of `extra` below `prefix`, without it, as text."""
    return {key[len(prefix) :]: str(value) for key, value in sorted(extra.items()) if key.startswith(prefix)}


def only_true(value: Any) -> bool | None:
    """Koji writes such a setting only when it is on; None is the package manager's own default."""
    return True if value and int(value) else None
