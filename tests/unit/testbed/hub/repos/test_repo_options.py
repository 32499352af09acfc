"""Options of a repo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.unit.testbed.hub.repos.repo_files import directory, lines

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built, PackageMaker


def test_options_choose_what_is_in_a_repo(
    hub: ContentHub, builder: Caller, packages: PackageMaker, hello: Built, newer_hello: Built
) -> None:
    admin = hub.admin
    hub.tag("dist")
    hub.listed("dist", "hello", "extra-debuginfo")
    debug = packages.make("extra-debuginfo")
    for built in (hello, newer_hello, debug):
        hub.complete_build(built)
        admin.tagBuildBypass("dist", built.nvr)

    def names(arch: str = "x86_64", **options: Any) -> set[str]:
        home = directory(hub, builder.host.repoInit("dist", opts=options)[0])
        return {line.rsplit("/", 1)[1] for line in lines(home / arch / "pkglist")}

    assert names() == {"hello-2.0-1.noarch.rpm"}
    assert names(debuginfo=True) == {"hello-2.0-1.noarch.rpm", "extra-debuginfo-1.0-1.noarch.rpm"}
    assert "hello-2.0-1.src.rpm" in names(src=True)
    assert names("src", separate_src=True) == {"hello-2.0-1.src.rpm"}
    admin.editTag2("dist", extra={"repo_include_all": True})
    assert names() == {"hello-1.0-1.noarch.rpm", "hello-2.0-1.noarch.rpm"}
