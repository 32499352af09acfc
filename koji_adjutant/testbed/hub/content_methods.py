"""Imports every module that exposes functions about packages: tags, builds, repos, buildroots."""

from koji_adjutant.testbed.hub import (
    build_config,
    events,
    external_repos,
    groups,
    inheritance,
    package_lists,
    packages,
    tag_changes,
    tag_edit,
    tags,
    targets,
)

MODULES: tuple[object, ...] = (
    build_config,
    events,
    external_repos,
    groups,
    inheritance,
    package_lists,
    packages,
    tag_changes,
    tag_edit,
    tags,
    targets,
)
