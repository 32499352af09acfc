"""Imports every module that exposes functions about packages: tags, builds, repos, buildroots."""

MODULES: tuple[object, ...] = ()
