"""What becomes of mock's options here, by the keys under which mock's configuration has them: data alone."""

from collections.abc import Mapping
from types import MappingProxyType

HONOURED, REPLACED, WITHOUT = "honoured", "replaced", "without effect"
_NO_CACHE = (WITHOUT, "with mock as well: Koji switches it off")
_TAG = "of the build tag's extra data"
_IMAGES = (REPLACED, "by task_image_default and by the image policy of build tags")
_PROXY = (
    REPLACED,
    "by yum_proxy for the packages of buildroots, scm_environment for sources; builds have no network",
)
_TMPFS = (WITHOUT, "put the engine's storage on a tmpfs instead")
_NO_SYNC = (WITHOUT, "put the engine's storage on a file system that need not be synced")
_NO_NETWORK = (WITHOUT, "with mock as well: Koji decides by the kind of task")
_TRUST = (REPLACED, "by scm_ca_trust, for checkouts and source_cmd; the daemon fetches packages itself")
_DNF = (REPLACED, "by task_image_default: its dnf solves, however a command is called")
_USER = (WITHOUT, "the build user is mockbuild (1000) of group mock (135), made when a root is populated")
_STORAGE = (WITHOUT, "buildroots are images in the engine's storage")

KEYS: Mapping[tuple[str, ...], tuple[str, str]] = MappingProxyType(
    {
        ("rpmbuild_timeout",): (REPLACED, "by rpmbuild_timeout in [kojid], as with mock"),
        ("http_proxy",): _PROXY,
        ("https_proxy",): _PROXY,
        ("ftp_proxy",): _PROXY,
        ("no_proxy",): _PROXY,
        ("use_bootstrap_image",): _IMAGES,
        ("bootstrap_image",): _IMAGES,
        ("bootstrap_image_skip_pull",): (REPLACED, "by image_pull_policy"),
        ("buildroot_image_skip_pull",): (REPLACED, "by image_pull_policy"),
        ("use_buildroot_image",): _STORAGE,
        ("buildroot_image",): _STORAGE,
        ("nspawn_args",): (REPLACED, "by limits, build_mounts and build_env, for what these can say"),
        ("use_nspawn",): (WITHOUT, "builds run in podman's containers"),
        ("isolation",): (WITHOUT, "builds run in podman's containers"),
        ("rpmbuild_networking",): _NO_NETWORK,
        ("use_host_resolv",): _NO_NETWORK,
        ("hostname",): (WITHOUT, "the name is this host's, as mock's default is"),
        ("use_container_host_hostname",): (
            HONOURED,
            "%_buildhost is this host's name; build_macros may set it",
        ),
        ("files",): (WITHOUT, "put the file into a package of the build tag's install group"),
        ("extra_chroot_dirs",): (
            WITHOUT,
            "put the directory into a package of the build tag's install group",
        ),
        ("chroot_additional_packages",): (WITHOUT, "add the packages to the build tag's install group"),
        ("more_buildreqs",): (WITHOUT, "add the packages to the build tag's install group"),
        ("dynamic_buildrequires",): (HONOURED, "dynamic BuildRequires are always installed"),
        ("dynamic_buildrequires_max_loops",): (HONOURED, "at most 10 rounds, which is mock's default"),
        ("separate_check",): (
            WITHOUT,
            "%check runs in one rpmbuild with the rest, as mock's default has it",
        ),
        ("internal_dev_setup",): (HONOURED, "the container has a /dev of its own"),
        ("nosync",): _NO_SYNC,
        ("createrepo_command",): (WITHOUT, "createrepo tasks run createrepo_c of the task image"),
        **{
            (f"{family}_{suffix}",): (
                HONOURED,
                "which packages are chosen for BuildRequires, and erased, follows it",
            )
            for family in ("dnf", "dnf4", "dnf5", "yum")
            for suffix in ("common_opts", "builddep_opts", "avoid_opts")
        },
        **{
            (name,): _DNF
            for family in ("dnf", "dnf4", "dnf5", "yum")
            for name in (
                f"{family}_command",
                f"{family}_system_command",
                f"system_{family}_command",
                f"{family}_install_command",
                f"{family}_builddep_command",
            )
        },
        **{
            (f"{family}_disable_plugins",): (HONOURED, "the solver loads no plugin of the package manager")
            for family in ("dnf", "dnf4", "dnf5", "yum")
        },
        ("use_bootstrap",): (
            WITHOUT,
            "packages are always solved and installed with tools of the task image",
        ),
        ("update_before_build",): (HONOURED, "a root always has the newest packages of its repo"),
        **{(key,): _USER for key in ("useradd", "chrootuid", "chrootgid", "chrootuser", "chrootgroup")},
        ("copy_host_users",): (
            REPLACED,
            "by build_mounts, with ,gid= behind the mount; nothing is there while packages are installed",
        ),
        ("seccomp",): (WITHOUT, "builds have the engine's seccomp profile: docs/security.md"),
        ("nosync_force",): _NO_SYNC,
        ("package_manager",): (HONOURED, "for build tags without mock.package_manager in their extra data"),
        ("releasever",): (REPLACED, f"by mock.releasever {_TAG}, as with mock"),
        ("module_setup_commands",): (REPLACED, f"by mock.module_setup_commands {_TAG}, as with mock"),
        ("forcearch",): (REPLACED, f"by mock.forcearch {_TAG}, as with mock"),
        ("ssl_ca_bundle_path",): _TRUST,
        ("ssl_copied_ca_trust_dirs",): _TRUST,
        ("ssl_extra_certs",): (
            REPLACED,
            "by scm_credentials_dir, for source_cmd; packages are fetched without a client's certificate",
        ),
        ("log_config_file",): (WITHOUT, "logs have the names and places that Koji knows"),
        ("plugin_conf", "bind_mount_enable"): (HONOURED, "build_mounts are mounted"),
        ("plugin_conf", "bind_mount_opts"): (
            HONOURED,
            "targets of build_mounts are made where they are missing",
        ),
        ("plugin_conf", "ccache_enable"): _NO_CACHE,
        ("plugin_conf", "ccache_opts"): _NO_CACHE,
        ("plugin_conf", "yum_cache_enable"): _NO_CACHE,
        ("plugin_conf", "yum_cache_opts"): _NO_CACHE,
        ("plugin_conf", "root_cache_enable"): _NO_CACHE,
        ("plugin_conf", "root_cache_opts"): _NO_CACHE,
        ("plugin_conf", "tmpfs_enable"): _TMPFS,
        ("plugin_conf", "tmpfs_opts"): _TMPFS,
        ("plugin_conf", "lvm_root_enable"): _STORAGE,
        ("plugin_conf", "lvm_root_opts"): _STORAGE,
        ("plugin_conf", "overlayfs_enable"): _STORAGE,
        ("plugin_conf", "overlayfs_opts"): _STORAGE,
        ("plugin_conf", "hw_info_enable"): (HONOURED, "hw_info.log is always written"),
        ("plugin_conf", "package_state_enable"): (HONOURED, "installed_pkgs.log is always written"),
        ("plugin_conf", "mount_enable"): (REPLACED, "by build_mounts, of what this host has mounted"),
        ("plugin_conf", "mount_opts"): (REPLACED, "by build_mounts, of what this host has mounted"),
        ("plugin_conf", "process_limits_enable"): (REPLACED, "by limits"),
        ("plugin_conf", "process_limits_opts"): (REPLACED, "by limits"),
        ("plugin_conf", "sign_enable"): (WITHOUT, "packages are signed on the hub's side"),
        ("plugin_conf", "sign_opts"): (WITHOUT, "packages are signed on the hub's side"),
        ("plugin_conf", "rpmautospec_enable"): (HONOURED, "unless rpmautospec in [adjutant] says otherwise"),
        ("plugin_conf", "rpmautospec_opts"): (
            HONOURED,
            "the command is run, in the buildroot with its packages",
        ),
        ("plugin_conf",): (WITHOUT, "mock's plugins are not run"),
    }
)
"""Path of keys: what becomes of it, and how or why. The longest path that fits decides."""

MACROS_BY_KOJI = frozenset(
    {
        "%_topdir",
        "%_rpmfilename",
        "%_host_cpu",
        "%_host",
        "%vendor",
        "%packager",
        "%distribution",
    }
)
BY_KOJI = frozenset(
    {
        "root",
        "basedir",
        "chroot_setup_cmd",
        "chroothome",
        "target_arch",
        "yum.conf",
        "dnf_warning",
    }
)
"""What Koji sets in the configuration that it writes for each buildroot, over what a site has set."""
