"""The image of the worker, made by its own recipe of the mini distribution and of wheels that pip brings."""

import os
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from koji_adjutant.testbed.additions.repository import make_additions
from koji_adjutant.testbed.description import cache_directory
from koji_adjutant.testbed.distribution.distribution import make
from koji_adjutant.testbed.distribution.task_image import (
    BASE_REFERENCE,
    Podman,
    build,
    make_base_image,
    served,
)
from koji_adjutant.testbed.engine.service import Engine
from koji_adjutant.testbed.packages_source import distribution_directory
from tests.integration.restart.installations import ROOT, pip

REFERENCE = "localhost/koji-adjutant-worker:test"
RECIPE = ROOT / "Containerfile.worker"
CONTEXT = ("LICENSE", "README.md", "constraints.txt", "pyproject.toml", "koji_adjutant")
OF_THE_DISTRIBUTION = frozenset({"gssapi"})
"""Whose wheels PyPI does not have."""
BACKEND = "setuptools"


def make_worker_image(engine: Engine, directory: Path) -> str:
    """The image's name."""
    cache = cache_directory(os.environ, Path.home())
    distribution = make(distribution_directory(cache), print)
    podman = Podman(socket=Path(engine.socket), environment=engine.environment)
    make_base_image(distribution, podman, print)
    sources, context = directory / "sources", directory / "context"
    sources.mkdir()
    (sources / "distribution").symlink_to(distribution.repo)
    (sources / "additions").symlink_to(make_additions(distribution, cache / "additions", print))
    pip("download", "--no-deps", "--dest", str(sources / "wheels"), *requirements())
    copy_context(context)
    with served(sources) as url:
        arguments = {
            "BASE_IMAGE": BASE_REFERENCE,
            "PACKAGE_SOURCE": f"{url}distribution/ {url}additions/",
            "WHEEL_SOURCE": f"{url}wheels/",
        }
        build(podman, RECIPE, context, ("--tag", REFERENCE), arguments)
    return REFERENCE


def copy_context(context: Path) -> None:
    """What .containerignore lets through, so that nothing else of the tree is sent to the engine."""
    context.mkdir()
    for name in CONTEXT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, context)


def requirements() -> list[str]:
    """What the project needs of PyPI, in the versions that it is tested with, and what it is built with."""
    return [BACKEND, *sorted(set(_closure("koji-adjutant", set())))]


def _closure(name: str, seen: set[str]) -> Iterator[str]:
    for text in metadata.requires(name) or ():
        wanted = Requirement(text)
        needed = canonicalize_name(wanted.name)
        if needed in seen or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        seen.add(needed)
        if needed not in OF_THE_DISTRIBUTION:
            yield f"{needed}=={metadata.version(needed)}"
        yield from _closure(needed, seen)
