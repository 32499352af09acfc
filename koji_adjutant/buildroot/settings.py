"""What a buildroot is to be, worked out from hub data and configuration: pure, made once per task.

`BuildrootSettings` is complete: `mock_config.log` is its text, and two buildroots with equal settings and equal
repos are equal (kojid-facts 4.2).
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import koji

from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed

BUILD_USER = "mockbuild"
BUILD_GROUP = "mock"
BUILD_IDS = (1000, 135)
"""uid and gid of the build user; 135 is the static gid of group mock."""
HOME = "/builddir"
TOPDIR = f"{HOME}/build"

READY_STATES = (koji.REPO_READY, koji.REPO_EXPIRED)
PACKAGE_MANAGERS = ("dnf", "dnf4")
REFUSED_EXTRA = ("mock.module_setup_commands", "mock.forcearch", "mock.plugin_conf.sign_enable")
WITHOUT_EFFECT = ("mock.use_bootstrap", "mock.new_chroot", "mock.bootstrap_image_ready")

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
    """See the module. `arch` is the canonical arch of the root, `target_arch` what rpmbuild is told to build for."""

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
    releasever: str = ""
    best: bool | None = None
    module_hotfixes: bool | None = None
    ignored: tuple[str, ...] = ()

    @property
    def rpmmacros(self) -> str:
        """Text of the build user's .rpmmacros."""
        return "".join(f"{name} {value}\n" for name, value in self.macros.items())

    def text(self, *, name: str, images: Mapping[str, str]) -> str:
        """`mock_config.log`: every setting of the buildroot `name` and the digests of the images it is made with."""
        rows: list[tuple[str, object]] = [
            ("buildroot", name),
            ("build tag", f"{self.tag_name} ({self.tag_id})"),
            ("repo", f"{self.repo_id} (event {self.event_id})"),
            ("arch", self.arch),
            ("target arch", self.target_arch),
            ("install group", self.group),
            *((f"baseurl {number}", url) for number, url in enumerate(self.baseurls, 1)),
            ("proxy", self.proxy or "none"),
            ("releasever", self.releasever or "none"),
            ("best", self.best),
            ("module_hotfixes", self.module_hotfixes),
            ("network of the build", "none"),
            ("user", f"{BUILD_USER} {BUILD_IDS[0]}:{BUILD_IDS[1]} ({BUILD_GROUP})"),
            *((f"image {kind}", digest) for kind, digest in images.items()),
            *((f"macro {macro}", value) for macro, value in self.macros.items()),
            *((f"environment {key}", value) for key, value in self.environment.items()),
            *(("without effect", key) for key in self.ignored),
        ]
        return "".join(f"{key} = {value}\n" for key, value in rows)


def buildroot_settings(
    *,
    repo: Mapping[str, Any],
    build_config: Mapping[str, Any],
    arch: str,
    group: str,
    config: Config,
) -> BuildrootSettings:
    """The settings for `repo` (repoInfo) of the tag `build_config` (getBuildConfig); BuildrootFailed if unusable."""
    check_repo(repo, build_config)
    extra = build_config["extra"]
    check_extra(build_config["name"], extra)
    canonical = koji.canonArch(arch)
    location = f"repos/{build_config['name']}/{repo['id']}/{canonical}"
    return BuildrootSettings(
        tag_id=build_config["id"],
        tag_name=build_config["name"],
        repo_id=repo["id"],
        event_id=repo["create_event"],
        arch=canonical,
        target_arch=arch,
        group=group,
        baseurls=tuple(f"{url.rstrip('/')}/{location}" for url in config.topurls),
        macros=rpm_macros(extra, target_arch=arch, config=config),
        environment={**ENVIRONMENT, **prefixed(extra, "rpm.env.")},
        proxy=config.yum_proxy or "",
        releasever=str(extra.get("mock.releasever") or ""),
        best=optional_bool(extra.get("mock.yum.best")),
        module_hotfixes=optional_bool(extra.get("mock.yum.module_hotfixes")),
        ignored=tuple(key for key in WITHOUT_EFFECT if key in extra),
    )


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
    manager = extra.get("mock.package_manager", "dnf")
    if manager not in PACKAGE_MANAGERS:
        raise BuildrootFailed(
            f"tag {tag} sets mock.package_manager to {manager!r}; this builder has {', '.join(PACKAGE_MANAGERS)}",
            hint="remove the setting, or build on another host",
        )
    for key in REFUSED_EXTRA:
        if extra.get(key):
            raise BuildrootFailed(
                f"tag {tag} sets {key}, which this builder cannot honour",
                hint="remove the setting, or build on another host",
            )


def rpm_macros(extra: Mapping[str, Any], *, target_arch: str, config: Config) -> dict[str, str]:
    """The macros of the build user, by name with the percent sign; later rules win over earlier ones."""
    return {
        "%_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "%vendor": config.vendor,
        "%packager": config.packager,
        "%distribution": config.distribution,
        "%_buildhost": socket.getfqdn(),
        **{f"%{name}": value for name, value in prefixed(extra, "rpm.macro.").items()},
        "%_topdir": TOPDIR,
        "%_host_cpu": target_arch,
        "%_host": f"{target_arch}-{config.mockhost}",
    }


def prefixed(extra: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """The entries of `extra` below `prefix`, without it, as text."""
    return {key[len(prefix) :]: str(value) for key, value in sorted(extra.items()) if key.startswith(prefix)}


def optional_bool(value: Any) -> bool | None:
    """None stays None: the package manager's own default."""
    return None if value is None else bool(value)
