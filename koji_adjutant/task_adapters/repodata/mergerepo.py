"""Merging a repo with the external repos of its tag, by mergerepo_c in a tool container of its own.

It has a network where an external repo is not a directory of this host, and so does not see the topdir: only the
repo's own directory, and external ones.
"""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests

from koji_adjutant import names
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, LogSink, VolumeMount
from koji_adjutant.errors import TaskFailed
from koji_adjutant.policy.containers import NO_NETWORK, NetworkUse, network_for, proxy_environment
from koji_adjutant.task_adapters.base import BaseTaskAdapter, TaskContext
from koji_adjutant.task_adapters.repodata.repo_plan import MERGEREPO, RepoPlan, Version, mergerepo_argv
from koji_adjutant.task_adapters.repodata.verify import verify_repodata
from koji_adjutant.task_adapters.tool import run_tool, tool_spec, writable_directory
from koji_adjutant.task_adapters.topdir import read_only

LOG = "mergerepos.log"
FAILED = "failed to merge repos: "
UNREACHABLE = re.compile(rb"curl_easy_perform failed: (?!.*returned error: 4)")
"""What mergerepo_c says of a server that is not there; one that does not have what is asked for answers otherwise."""

NOT_LOADED = re.compile(rb"Cannot load repo: ")
"""What it says of a repo whose metadata it cannot read, before it goes on without that repo and ends with 0."""


@dataclass(kw_only=True)
class MergerepoAdapter(BaseTaskAdapter):
    """One run of mergerepo_c. `result` are the names of the files in `plan.datadir`."""

    plan: RepoPlan
    image: str
    mode: str
    urls: tuple[str, ...]
    version: Version

    def build_spec(self, ctx: TaskContext, task_params: Mapping[str, Any]) -> ContainerSpec:  # noqa: ARG002
        """mergerepo_c is the container's only process."""
        directories = [path for url in self.urls if (path := local_directory(url))]
        fetches = len(directories) < len(self.urls)
        network = network_for(NetworkUse.EXTERNAL_REPOS, ctx.config) if fetches else NO_NETWORK
        return tool_spec(
            ctx,
            image=self.image,
            command=mergerepo_argv(self.plan, mode=self.mode, urls=self.urls, version=self.version),
            build_tag=self.plan.tag_name,
            arch=self.plan.arch,
            mounts=self._mounts(ctx, directories),
            network=network,
            environment=proxy_environment(os.environ) if fetches else {},
        )

    def _mounts(self, ctx: TaskContext, directories: list[Path]) -> tuple[VolumeMount, ...]:
        wanted = dict.fromkeys((self.plan.toprepodir, *directories))
        return tuple(read_only(ctx.config, path) for path in wanted)

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:
        """Merge; TaskFailed when an external repo is not available or what comes out is not whole.

        The fault comes from a RequestException when a server was not there; then it may be run again.
        """
        self._require_directories()
        spec = self.build_spec(ctx, ctx.parameters)
        if self.plan.premerge.exists():
            shutil.rmtree(self.plan.outdir)
        else:
            self.plan.outdir.rename(self.plan.premerge)
        writable_directory(self.plan.outdir)
        code, watch = run_tool(ctx, manager, spec, sink, UNREACHABLE, NOT_LOADED)
        if code:
            unreachable = watch.line(UNREACHABLE)
            cause = requests.ConnectionError(unreachable) if unreachable else None
            raise TaskFailed(f"{FAILED}{MERGEREPO} exited with status {code}; see {LOG}") from cause
        if watch.line(NOT_LOADED):
            raise TaskFailed(
                f"{FAILED}{watch.line(NOT_LOADED)}; see {LOG}",
                hint="createrepo_c of the task image reads zstd metadata from 1.0 on",
            )
        try:
            verify_repodata(self.plan.datadir)
        except TaskFailed as fault:
            raise TaskFailed(f"{FAILED}{fault}; see {LOG}") from fault
        self.result = sorted(path.name for path in self.plan.datadir.iterdir())
        return code

    def _require_directories(self) -> None:
        for url in self.urls:
            directory = local_directory(url)
            if directory and not directory.is_dir():
                raise TaskFailed(
                    f"{FAILED}external repo {url} is not on this builder", hint="mount it, or use http"
                )


def local_directory(url: str) -> Path | None:
    """The directory of this host that a URL means; None when it has to be fetched."""
    parts = urlsplit(url)
    if parts.scheme not in {"", "file"}:
        return None
    path = unquote(parts.path)
    # Between and after names, slashes mean nothing more.
    plain = "/".join(filter(None, path.split("/")))
    if not path.startswith("/"):
        raise TaskFailed(f"{FAILED}external repo {names.shown(url)} is no URL", hint="correct it on the hub")
    return names.below(Path("/"), plain, "directory of an external repo", TaskFailed)
