"""Checking sources out, in a container of its own: with a network, and with nothing that is worth having.

Servers answer as they like, and so does what they hand out: the program that talks to them sees neither this host nor
the buildroot. What it has made comes as one stream, and is unpacked below the task's work directory. The container goes
with the checkout.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, Containers, ContainerSpec, LogSink
from koji_adjutant.container.labels import Role
from koji_adjutant.container.programs import TOOL_PATH, TeeSink, bash
from koji_adjutant.errors import BuildFailed, TaskTimeout
from koji_adjutant.host.unpack import UnpackLimits, check_inside
from koji_adjutant.journal.phases import Phase
from koji_adjutant.policy.scm_access import ScmAccess
from koji_adjutant.policy.scm_address import ScmAddress, ScmKind, is_commit
from koji_adjutant.task_adapters.base import BaseTaskAdapter, TaskContext
from koji_adjutant.task_adapters.sources.git_dir import NO_COMMIT
from koji_adjutant.task_adapters.sources.mirror import MIRROR, Mirrors
from koji_adjutant.task_adapters.sources.tree_sink import TreeSink
from koji_adjutant.task_adapters.tool import LineWatch

SCRIPT = Path(__file__).with_name("scripts") / "checkout.sh"
SCRIPT_TEXT = SCRIPT.read_text()
LOG = "checkout.log"
TREE = "scmroot"
"""The directory that everything is checked out into."""
COMMON = "common"
"""The directory beside the module's, in all of `TREE`."""
TOP = f"/var/tmp/scm/{TREE}"  # noqa: S108 - of a container that nobody else has
HOME = "/var/tmp/home"  # noqa: S108
USER = "1000:1000"
END_STEP = 0.1
TOO_LARGE = "size"
"""The step at which a script fails that had to be stopped: it would have filled the disk."""
LIMITS_HINT = "scm_tree_size and scm_tree_files on the builder are the limits"
HINTS: Mapping[re.Pattern[bytes], str] = MappingProxyType(
    {
        re.compile(rb"Host key verification failed"): (
            "this builder does not know {host} by its key: see scm_ssh_dir and scm_known_hosts"
        ),
        re.compile(rb"Permission denied \((publickey|gssapi|keyboard-interactive|password)"): (
            "{host} lets none of this builder's keys in: see scm_ssh_dir"
        ),
        re.compile(rb"could not read (Username|Password)|Authentication failed|E170001"): (
            "{host} wants a login that this builder does not have: see scm_netrc and scm_gitconfig"
        ),
        re.compile(rb"certificate verification failed|certificate problem|E230001"): (
            "this builder does not trust the certificate of {host}: see scm_ca_trust"
        ),
        re.compile(rb"Operation too slow|E175012"): "{host} sends nothing: see scm_low_speed",
        re.compile(rb": (git|svn|ssh): (command )?not found|cannot run ssh: No such file|E720002"): (
            "a program is missing: see scm_image, and scm_on_host where it is set"
        ),
    }
)
"""What git, ssh and svn say of what an operator can change, and what that is."""


@dataclass(frozen=True, kw_only=True)
class CheckedOut:
    """A checkout on this host."""

    tree: Path
    """Everything that was checked out, named `TREE`."""
    top: Path
    """The directory of the repository, in `tree`."""
    directory: Path
    """The module's."""
    commit: str
    """What was checked out; empty where the kind of repository has no commits."""


@dataclass(kw_only=True)
class CheckoutAdapter(BaseTaskAdapter):
    """One checkout. `result` is the CheckedOut, below the work directory."""

    address: ScmAddress
    use_common: bool
    image: str
    access: ScmAccess
    mirror: Path | None = None
    """What is borrowed from while the container runs."""
    result: CheckedOut | None = None

    def build_spec(self, ctx: TaskContext, task_params: Mapping[str, Any]) -> ContainerSpec:  # noqa: ARG002
        """The container whose only process checks out."""
        arguments = script_arguments(self.address, TOP, use_common=self.use_common)
        return ContainerSpec(
            image=self.image,
            command=bash(SCRIPT_TEXT, SCRIPT.name, *arguments),
            labels={**ctx.config.container_labels, **ctx.owner().labels(Role.CHECKOUT)},
            environment={
                "PATH": TOOL_PATH,
                "LANG": "C.UTF-8",
                "HOME": HOME,
                "GIT_TERMINAL_PROMPT": "0",
                # Repositories are made for the git of this host and of the root, which may be older.
                "GIT_DEFAULT_REF_FORMAT": "files",
                **self.access.environment,
                **limits_environment(ctx.config),
                **({"SCM_MIRROR": MIRROR} if self.mirror else {}),
            },
            user=USER,
            mounts=(*self.access.mounts, *Mirrors(config=ctx.config).mounts(self.mirror)),
            # What is bound must not be relabelled.
            label_disable=self.mirror is not None,
            network=self.access.network,
            home=HOME,
            files=self.access.files,
        )

    def top(self, _ctx: TaskContext) -> str:
        """The directory that everything is checked out into, where that is done."""
        return TOP

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:
        """Check out; BuildFailed in the words that Koji's users know when that cannot be done."""
        address, below = self.address, ctx.workdir / "checkout"
        check_login(address)
        below.mkdir()
        size, files = ctx.config.scm_tree_size, ctx.config.scm_tree_files
        limits = UnpackLimits(bytes=size, files=files, hint=LIMITS_HINT)
        ctx.journal.record(Phase.COMMAND_STARTED, task=ctx.task_id, command="checkout")
        watch = LineWatch(*HINTS)
        with TreeSink(below, TeeSink(sink, watch), limits) as tree:
            code = self._check_out(ctx, manager, tree)
        ctx.journal.record(Phase.COMMAND_ENDED, task=ctx.task_id, command="checkout", status=code)
        word, _, rest = tree.said.partition(" ")
        if code or word != "head":
            step = rest if word == "failed" else ""
            hint = LIMITS_HINT if step == TOO_LARGE else hint_for(address, watch)
            raise BuildFailed(failure(address, self.top(ctx), step), hint=hint)
        found, _, note = rest.partition(" ")
        if note:
            Mirrors(config=ctx.config).discard(address.url)
        commit = "" if found == "-" else found
        if commit and not is_commit(commit):
            raise BuildFailed(NO_COMMIT)
        top = below / TREE
        check_inside(below, top, top / address.name, top / address.directory)
        self.result = CheckedOut(
            tree=top, top=top / address.name, directory=top / address.directory, commit=commit
        )
        return code

    def _check_out(self, ctx: TaskContext, manager: ContainerManager, tree: TreeSink) -> int:
        limit = ctx.config.scm_timeout
        try:
            return self.run_script(ctx, manager, tree, limit)
        except TaskTimeout as error:
            raise TaskTimeout(
                f"the checkout from {self.address.host} did not end in {limit:g} seconds; see {LOG}",
                hint="does the server answer? scm_timeout on the builder is the limit",
            ) from error

    def run_script(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink, limit: float) -> int:
        """The exit code of the script."""
        with Mirrors(config=ctx.config).borrowed(self.address.url) as self.mirror:
            return manager.run(self.build_spec(ctx, ctx.parameters), sink, timeout=limit)

    def end(self, ctx: TaskContext, manager: Containers, has_ended: Callable[[float], bool]) -> None:
        """End a checkout that nobody waits for any more; `has_ended` waits for so many seconds and says so."""
        # It may be about to have a container.
        while not has_ended(END_STEP):
            for container in manager.find(ctx.owner().labels(Role.CHECKOUT)):
                manager.kill(container.id)


def check_login(address: ScmAddress) -> None:
    """BuildFailed for an address that nothing of ours can check out."""
    if address.kind is ScmKind.CVS:
        raise BuildFailed(
            "this builder has no CVS", hint="import the module into git, or build on another host"
        )
    if address.needs_user and not address.user:
        scheme = address.given.partition("://")[0]
        raise BuildFailed(f"No user specified for repository access scheme: {scheme}://")


def limits_environment(config: Config) -> dict[str, str]:
    """What the script watches while it works: what comes out is counted where it is unpacked. Pure."""
    return {"SCM_TREE_SIZE": str(config.scm_tree_size), "SCM_TREE_FILES": str(config.scm_tree_files)}


def script_arguments(address: ScmAddress, top: str, *, use_common: bool) -> tuple[str, ...]:
    """What the script is told. Pure."""
    common = (address.common_url,) if use_common else ()
    where = (address.url, address.name, address.module)
    return (top, address.kind.value, *where, address.revision, address.fetched, *common)


def hint_for(address: ScmAddress, watch: LineWatch) -> str:
    """What an operator can do about what was said; empty where that is nothing. Pure."""
    return next((hint.format(host=address.host) for said, hint in HINTS.items() if watch.line(said)), "")


def failure(address: ScmAddress, top: str, step: str) -> str:
    """What the hub is told of the step that failed. Pure."""
    url = address.url
    commands = {
        "clone": f"git clone -n {url} {top}/{address.name}",
        "reset": f"git reset --hard {address.revision}",
        "common": f"git clone {address.common_url} common",
        "checkout": f"svn checkout -r {address.revision} {url}/{address.module} {address.module}",
    }
    if address.kind is ScmKind.SVN:
        commands["common"] = f"svn checkout {address.common_url}"
    if step == "head":
        return NO_COMMIT
    if step == "externals":
        return f"{address.host} has svn:externals there, and the password of the URL is for no other server"
    if step == TOO_LARGE:
        return f"the checkout from {address.host} is larger than one may be"
    kind = address.kind.upper() + ("+SSH" if address.needs_user else "")
    command = f'command "{commands[step]}"' if step in commands else "commands"
    return f"Error running {kind} {command}, see {LOG} for details"
