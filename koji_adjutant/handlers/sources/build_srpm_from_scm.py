"""buildSRPMFromSCM: what the task asks of the hub, and of plugins (kojid-facts 4.8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import koji
import koji.plugin
from koji.daemon import SCM

from koji_adjutant.config import Config
from koji_adjutant.config.autospec import AutospecPlan, autospec_plan
from koji_adjutant.errors import BuildrootFailed, ConfigError
from koji_adjutant.handlers.buildroot_task import BuildrootTask
from koji_adjutant.handlers.sources.callbacks import CallbackBuildroot, Callbacks
from koji_adjutant.policy.containers import network_of_package_code, network_of_srpm
from koji_adjutant.policy.scm_access import scm_access, source_access
from koji_adjutant.policy.scm_address import ScmAddress
from koji_adjutant.task_adapters.buildroot_adapter import Workplace
from koji_adjutant.task_adapters.sources.checkout import HOME, LOG, CheckoutAdapter
from koji_adjutant.task_adapters.sources.host_checkout import HostCheckoutAdapter
from koji_adjutant.task_adapters.sources.source_package import Fetching, SourcePackageAdapter

CREDENTIALS_LIMIT = 16 << 20
"""Bytes of a site's credentials, which are held in memory."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the task's sources come from: as Koji's class has read it, and as programs are given it."""

    scm: Any
    address: ScmAddress
    tag: Mapping[str, Any]
    repo: Mapping[str, Any]
    scratch: Any
    """As the request has it: plugins are told so."""


class BuildSRPMFromSCMTask(BuildrootTask):
    """Make the source package of a checkout."""

    def handler(  # type: ignore[override]
        self, url: str, build_tag: int | str, opts: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The hub's result: the source package and logs, the buildroot's id, and what was checked out."""
        opts = opts or {}
        scm = read_url(url, self.options)
        self._assert_allowed(scm, opts)
        address = ScmAddress.of(scm)
        repo = self.repo()
        event = repo["create_event"]
        hub: Any = self.session
        tag = hub.getTag(build_tag, strict=True, event=event)
        source = Source(scm=scm, address=address, tag=tag, repo=repo, scratch=opts.get("scratch"))
        host = hub.host.getHost()
        build_config = hub.getBuildConfig(tag["id"], event=event)
        arch = self.concrete_arch("noarch", build_config, host)
        network = network_of_srpm(
            network_of_package_code(self.method, self.options),
            tag_name=tag["name"],
            tag_extra=build_config["extra"],
        )
        with self.buildroot(repo, build_config, arch, self.row.install_group) as place:
            adapter = self._adapter(place, source, network)
            adapter.run(place.ctx, place.manager, place.logs.sink("build.log"))
            return self._upload(place, adapter, source)

    def _assert_allowed(self, scm: Any, opts: Mapping[str, Any]) -> None:
        config, task = self.options, self.taskinfo
        hub: Any = self.session
        channel = hub.getChannel(task["channel_id"], strict=True)["name"]
        scm.assert_allowed(
            allowed=config.allowed_scms,
            session=hub,
            by_config=config.allowed_scms_use_config,
            by_policy=config.allowed_scms_use_policy,
            policy_data={"user_id": task["owner"], "channel": channel, "scratch": opts.get("scratch")},
        )

    def _adapter(self, place: Workplace, source: Source, network: str) -> SourcePackageAdapter:
        config = place.ctx.config
        access, directory = source_access(config), config.scm_credentials_dir
        command = tuple(source.scm.source_cmd or ())
        return SourcePackageAdapter(
            place=place,
            checkout=self._checkout(place, source),
            fetching=Fetching(
                command=command,
                mounts=access.mounts,
                environment=access.environment,
                credentials=credentials(Path(directory)) if command and directory else {},
            ),
            network=network,
            autospec=self._autospec(),
            plugins=self._callbacks(place, source),
        )

    def _checkout(self, place: Workplace, source: Source) -> CheckoutAdapter:
        config, address, use_common = place.ctx.config, source.address, source.scm.use_common
        if config.scm_on_host:
            return HostCheckoutAdapter(address=address, use_common=use_common)
        return CheckoutAdapter(
            address=address,
            use_common=use_common,
            image=self._scm_image(place),
            access=scm_access(config, address, home=HOME),
        )

    def _scm_image(self, place: Workplace) -> str:
        config = place.ctx.config
        if not config.scm_image:
            return place.initializer.solver.task_image.id
        return self.services.manager.ensure_image_available(config.scm_image, config.image_pull_policy).id

    def _autospec(self) -> AutospecPlan | None:
        try:
            return autospec_plan(self.services.config)
        except ConfigError as error:
            raise BuildrootFailed(
                f"rpmautospec cannot be set up: {error.message}", hint=error.hint
            ) from error

    def _callbacks(self, place: Workplace, source: Source) -> Callbacks:
        told = {
            "scminfo": source.scm.get_info(),
            "build_tag": source.tag,
            "scratch": source.scratch,
            "buildroot": CallbackBuildroot.of(place, source.repo),
        }
        return Callbacks(
            run_before=lambda: self.run_callbacks(cast("Any", "preSCMCheckout"), **told),
            run_after=lambda directory: self.run_callbacks(
                cast("Any", "postSCMCheckout"), **told, srcdir=str(directory)
            ),
        )

    def _upload(self, place: Workplace, adapter: SourcePackageAdapter, source: Source) -> dict[str, Any]:
        staged = adapter.staged
        assert staged is not None
        if not adapter.result:
            raise koji.BuildError(f"No srpms found in {staged.directory}")
        if len(adapter.result) > 1:
            found = ", ".join(path.name for path in adapter.result)
            raise koji.BuildError(f"Multiple srpms found in {staged.directory}: {found}")
        made = adapter.result[0]
        origin = {"url": source.address.given, "source": source.address.source(staged.commit)}
        return self.upload_srpm(place, made, origin, is_listed=lambda log: not log.startswith(LOG))


def credentials(directory: Path) -> dict[str, bytes]:
    """The files of a directory of this host, by path; none where it is not there, as with kojid."""
    found: dict[str, bytes] = {}
    size = 0
    try:
        for path in sorted(directory.rglob("*")) if directory.is_dir() else ():
            if path.is_file():
                size += path.stat().st_size
                if size > CREDENTIALS_LIMIT:
                    raise BuildrootFailed(
                        f"scm_credentials_dir {directory} has over {CREDENTIALS_LIMIT} bytes"
                    )
                found[str(path.relative_to(directory))] = path.read_bytes()
    except OSError as error:
        raise BuildrootFailed(
            f"scm_credentials_dir cannot be read: {error}", hint="see its modes on the builder"
        ) from error
    return found


def read_url(url: str, config: Config) -> Any:
    """A koji.daemon.SCM of the URL; koji.GenericError when it is none."""
    try:
        login = urlsplit(url).netloc.rpartition("@")[0]
    except ValueError as error:
        raise koji.GenericError(f"Unable to parse SCM URL: {error}") from None
    user, _, password = login.partition(":")
    try:
        scm: Any = SCM(url, allow_password=config.allow_password_in_scm_url)
    except koji.GenericError as error:
        if not password:
            raise
        # The library quotes it.
        raise koji.GenericError(str(error).replace(login, f"{user}:***")) from None
    return scm
