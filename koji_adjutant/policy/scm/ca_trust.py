"""Certificates of authorities that this host trusts, as mounts for what fetches sources.

mock copies two directories of the host into each root, so that a private authority of a site's servers is known to
`source_cmd`. On a host of the RPM family they are mounted at the same place; of another host, its one file of
certificates is put where programs of either family look for theirs.
"""

from pathlib import Path

from koji_adjutant.config import Config
from koji_adjutant.container.interface import VolumeMount
from koji_adjutant.policy.scm.host_files import Found, State, look

OPTION = "scm_ca_trust"
DIRECTORIES = ("/etc/pki/ca-trust", "/usr/share/pki/ca-trust-source")
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/ca-bundle.pem")
"""Of Debian's and of SUSE's families."""
RPM_BUNDLE, DEBIAN_BUNDLE = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", BUNDLES[0]


def ca_mounts(config: Config, root: Path = Path("/")) -> tuple[VolumeMount, ...]:
    """The mounts, in the engine's paths. `root` is where the host's files are looked for."""
    chosen = _host_mounts(root) if isinstance(config.scm_ca_trust, str) else config.scm_ca_trust
    return tuple(
        VolumeMount(source=config.engine_path(Path(mount.source)), target=mount.target, options=mount.options)
        for mount in chosen
    )


def found(config: Config, root: Path = Path("/")) -> tuple[Found, ...]:
    """What was found of it."""
    if not isinstance(config.scm_ca_trust, str):
        return tuple(look(OPTION, Path(mount.source)) for mount in config.scm_ca_trust)
    sources = dict.fromkeys(mount.source for mount in _host_mounts(root))
    if not sources:
        return (Found(option=OPTION, path=Path(DIRECTORIES[0]), state=State.ABSENT),)
    return tuple(look(OPTION, Path(source)) for source in sources)


def _host_mounts(root: Path) -> tuple[VolumeMount, ...]:
    directories = [name for name in DIRECTORIES if (root / name[1:]).is_dir()]
    if directories:
        return tuple(_mount(root, name, name) for name in directories)
    bundle = next((name for name in BUNDLES if (root / name[1:]).is_file()), None)
    return tuple(_mount(root, bundle, target) for target in (RPM_BUNDLE, DEBIAN_BUNDLE)) if bundle else ()


def _mount(root: Path, source: str, target: str) -> VolumeMount:
    return VolumeMount(source=str(root / source[1:]), target=target, options=("rbind",))
