"""A shell in a buildroot: in which image, and in what container."""

import pytest

from koji_adjutant.buildroot.settings import BUILD_IDS, HOME
from koji_adjutant.cli.buildroots import Cache
from koji_adjutant.cli.shell import newest, shell_spec
from koji_adjutant.container import labels
from koji_adjutant.container.podman.terminal import Console
from koji_adjutant.errors import BuildrootFailed
from tests.unit.cli.cached_images import cached, use


def test_a_shell_is_opened_in_the_image_of_the_newest_repo() -> None:
    images = (
        cached("aa", use("dist-build", 11), use("other", 90)),
        cached("bb", use("dist-build", 12)),
        cached("cc", use("dist-build", 14), kind="requires", base_key="aa"),
        cached("dd", use("dist-build", 15), group="srpm-build"),
        cached("ee", use("dist-build", 16), arch="i686"),
        cached("ff", use("another-build", 17)),
    )
    assert newest(images, "dist-build", arch="x86_64", group="build").record.key == "bb"
    assert newest(images, "dist-build", arch=None, group="build").record.key == "ee"
    assert newest(images, "dist-build", arch=None, group="srpm-build").record.key == "dd"
    with pytest.raises(BuildrootFailed, match="no buildroot image of tag none, group build, arch i686"):
        newest(images, "none", arch="i686", group="build")


@pytest.mark.parametrize("is_root", [False, True])
def test_the_container_of_a_shell_is_a_builds(cache: Cache, is_root: bool) -> None:
    chosen = cached("aa", use("dist-build", 1))
    spec = shell_spec(cache, chosen, "dist-build", Console(), is_root=is_root)
    assert (spec.network, spec.capabilities, spec.no_new_privileges) == ("none", frozenset(), True)
    assert spec.image == "id-aa"
    assert spec.image_hosts
    assert spec.labels[labels.ROLE] == labels.Role.SHELL
    assert labels.TASK not in spec.labels
    user, home = ("0:0", "/root") if is_root else (":".join(map(str, BUILD_IDS)), HOME)
    assert (spec.user, spec.environment["HOME"]) == (user, home)


def test_a_32_bit_buildroot_sees_a_32_bit_machine(cache: Cache) -> None:
    spec = shell_spec(cache, cached("aa", arch="i386"), "dist-build", Console(), is_root=False)
    assert spec.command[:2] == ("/usr/bin/setarch", "i686")
