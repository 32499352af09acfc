"""An engine that runs the commands of tool containers on this host: paths are the same inside and outside."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from koji_adjutant.container.interface import ContainerSpec, ImageInfo, LogSink, PullPolicy


@dataclass
class HostEngine:
    """What of ContainerManager the repo adapters use."""

    specs: list[ContainerSpec] = field(default_factory=list)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    spoil: Path | None = None
    """Files of this pattern are removed after each command."""
    has_ceased: bool = False

    def stop_starting(self) -> None:
        self.has_ceased = True

    def ensure_image_available(self, reference: str, policy: PullPolicy) -> ImageInfo:
        return ImageInfo(id=reference, digest=reference)

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        self.specs.append(spec)
        return self._execute(spec.command, sink, spec.environment, spec.workdir)

    def _execute(
        self, argv: Sequence[str], sink: LogSink, environment: Mapping[str, str], workdir: str
    ) -> int:
        self.commands.append(tuple(argv))
        done = subprocess.run(argv, env=dict(environment), cwd=workdir, capture_output=True, check=False)
        sink.write("stdout", done.stdout)
        sink.write("stderr", done.stderr)
        if self.spoil:
            for path in self.spoil.parent.glob(self.spoil.name):
                path.unlink()
        return done.returncode
