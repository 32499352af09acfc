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

from koji_adjutant.container.interface import ContainerManager, ContainerSpec, LogSink, VolumeMount
from koji_adjutant.errors import TaskFailed
from koji_adjutant.journal import Phase
from koji_adjutant.policy.network import NO_NETWORK, NetworkUse, network_for
from koji_adjutant.task_adapters.base import BaseTaskAdapter, TaskContext
from koji_adjutant.task_adapters.repo_plan import MERGEREPO, RepoPlan, Version, mergerepo_argv
from koji_adjutant.task_adapters.repodata import verify_repodata
from koji_adjutant.task_adapters.tool import (
    LineWatch,
    proxy_environment,
    tool_spec,
    writable_directory,
    write_command,
)
from koji_adjutant.task_adapters.topdir import read_only

LOG = "mergerepos.log"
FAILED = "failed to merge repos: "
UNREACHABLE = re.compile(rb"curl_easy_perform failed: (?!.*returned error: 4)")
"""What mergerepo_c says of a server that is not there; one that does not have what is asked for answers otherwise."""


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
        """Merge; TaskFailed when an external repo cannot be had or what comes out is not whole.

        It comes from a RequestException when a server was not there; then it may be run again.
        """
        self._require_directories()
        spec = self.build_spec(ctx, ctx.parameters)
        if self.plan.premerge.exists():
            shutil.rmtree(self.plan.outdir)
        else:
            self.plan.outdir.rename(self.plan.premerge)
        writable_directory(self.plan.outdir)
        write_command(sink, spec.command)
        watch = LineWatch(sink, UNREACHABLE)
        ctx.journal.record(Phase.COMMAND_STARTED, task=ctx.task_id, command=MERGEREPO)
        code = manager.run(spec, watch)
        ctx.journal.record(Phase.COMMAND_ENDED, task=ctx.task_id, command=MERGEREPO, status=code)
        if code:
            unreachable = watch.line(UNREACHABLE)
            cause = requests.ConnectionError(unreachable) if unreachable else None
            raise TaskFailed(f"{FAILED}{MERGEREPO} exited with status {code}; see {LOG}") from cause
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
    return Path(unquote(parts.path)) if parts.scheme in {"", "file"} else None
