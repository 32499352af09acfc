"""Mounts of builds, and the groups of the host that go with them."""

import grp

import pytest

from koji_adjutant.config.build_mounts import BuildMount, host_groups, mismatch, read_build_mounts
from koji_adjutant.container.interface import IdMap

KNOWN = next(one for one in grp.getgrall() if one.gr_gid)


@pytest.mark.parametrize(
    ("word", "group", "read_only", "options"),
    [
        ("/s:/t", None, True, ("rbind",)),
        ("/s:/t:rw,nosuid", None, False, ("nosuid",)),
        ("/s:/t:rw,gid=990", 990, False, ("rbind",)),
        ("/s:/t:gid=990", 990, True, ("rbind",)),
        (f"/s:/t:gid={KNOWN.gr_name},ro,rprivate", KNOWN.gr_gid, True, ("rprivate",)),
    ],
)
def test_a_mount(word: str, group: int | None, options: tuple[str, ...], *, read_only: bool) -> None:
    (found,) = read_build_mounts(word)
    assert found == BuildMount(
        source="/s", target="/t", read_only=read_only, options=options, host_group=group
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("/s", "absolute paths"),
        ("/s:/t:Z", "relabel"),
        ("/s:/t:gid=0", "never in the group of root"),
        ("/s:/t:gid=root", "never in the group of root"),
        ("/s:/t:gid=no-such-group", "no group of that name"),
        ("/s:/t:gid=", "no group of that name"),
        ("/s:/t:gid=1,gid=2", "once for a mount"),
    ],
)
def test_what_is_no_mount(value: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_build_mounts(value)


def test_all_of_them_together() -> None:
    found = read_build_mounts("/a:/a:gid=7 /b:/b:gid=6 /c:/c:rw,gid=7 /d:/d")
    assert host_groups(found) == (6, 7)
    assert [str(one) for one in found[2:]] == ["/c (writable, in group 7 of the host)", "/d (read-only)"]


@pytest.mark.parametrize(
    ("value", "user_namespace", "fits"),
    [
        ("/a:/a:gid=5", "auto", True),
        ("/a:/a:gid=5", "no", True),
        ("/a:/a:gid=5", "yes", False),
        ("/a:/a:gid=5", IdMap(first=100, size=10), False),
        ("/a:/a", "yes", True),
    ],
)
def test_what_a_user_namespace_does_not_go_with(
    value: str, user_namespace: str | IdMap, *, fits: bool
) -> None:
    assert (mismatch(read_build_mounts(value), user_namespace) is None) == fits
