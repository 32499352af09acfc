"""Images of the worker, made by its own recipe of the mini distribution and of wheels that pip brings."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Self

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
from tests.integration.restart.installations import RELEASED, ROOT, commit_source, pip

REFERENCE = "localhost/koji-adjutant-worker:test"
RELEASED_REFERENCE = "localhost/koji-adjutant-worker:released"
RECIPE = ROOT / "Containerfile.worker"
CONTEXT = ("LICENSE", "README.md", "constraints.txt", "pyproject.toml", "koji_adjutant")
OF_THE_DISTRIBUTION = frozenset({"gssapi"})
"""Whose wheels PyPI does not have."""
BACKEND = "setuptools"
SINCE = "    KOJI_ADJUTANT_MONITORING_ENABLED="
"""A line of the recipe that the released version, which had none, does not know: an unknown option ends it."""


@dataclass(frozen=True, kw_only=True)
class WorkerImages:
    """What images of the worker are made of: packages and wheels, brought once, for the engine behind `podman`."""

    podman: Podman
    sources: Path

    @classmethod
    def brought(cls, engine: Engine, sources: Path) -> Self:
        cache = cache_directory(os.environ, Path.home())
        distribution = make(distribution_directory(cache), print)
        podman = Podman(socket=Path(engine.socket), environment=engine.environment)
        make_base_image(distribution, podman, print)
        (sources / "distribution").symlink_to(distribution.repo)
        (sources / "additions").symlink_to(make_additions(distribution, cache / "additions", print))
        pip("download", "--no-deps", "--dest", str(sources / "wheels"), *requirements())
        return cls(podman=podman, sources=sources)

    def of_this_tree(self, directory: Path) -> str:
        """The image's name."""
        context = directory / "context"
        copy_context(context)
        return self._made(REFERENCE, RECIPE, context)

    def of_the_released_version(self, directory: Path) -> str:
        """The image's name: today's recipe around the version that hosts have, which brought none."""
        context, recipe = directory / "context", directory / "Containerfile"
        commit_source(RELEASED, context)
        shutil.copy(ROOT / "constraints.txt", context)
        recipe.write_text(without(RECIPE.read_text(), SINCE))
        return self._made(RELEASED_REFERENCE, recipe, context)

    def _made(self, reference: str, recipe: Path, context: Path) -> str:
        with served(self.sources) as url:
            arguments = {
                "BASE_IMAGE": BASE_REFERENCE,
                "PACKAGE_SOURCE": f"{url}distribution/ {url}additions/",
                "WHEEL_SOURCE": f"{url}wheels/",
            }
            build(self.podman, recipe, context, ("--tag", reference), arguments)
        return reference


def without(recipe: str, beginning: str) -> str:
    """A recipe without the last line of an instruction, which begins so."""
    before, found, after = recipe.partition(f" \\\n{beginning}")
    assert found, f"the recipe has no line that begins with {beginning.strip()}"
    return before + after[after.index("\n") :]


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
