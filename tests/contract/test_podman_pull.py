"""Pulls from a real registry protocol: each policy, and logins."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from koji_adjutant.config import Config, load_config
from koji_adjutant.container.interface import PullPolicy, Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import ImagePullError
from koji_adjutant.policy.resolver import PolicyResolver
from koji_adjutant.testbed.engine.service import Engine
from tests.fakes.registry import Registry

pytestmark = pytest.mark.podman

LOGIN = "puller:s3cret-of-the-registry"


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with Registry(login=LOGIN) as running:
        yield running


@pytest.fixture(scope="module")
def puller(engine: Engine, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that may talk plain HTTP to the registry."""
    own = Engine(tmp_path_factory.mktemp("puller"), choice=engine.choice)
    settings = own.home / ".config" / "containers" / "registries.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n')
    try:
        own.start()
        yield own
    finally:
        own.destroy()


@pytest.fixture
def images(puller: Engine, registry: Registry, tmp_path: Path) -> Iterator[PodmanManager]:
    auth = {"auths": {registry.host: {"auth": base64.b64encode(LOGIN.encode()).decode()}}}
    (tmp_path / "auth.json").write_text(json.dumps(auth))
    with closing(PodmanManager(puller.socket, Timeouts(), str(tmp_path / "auth.json"))) as manager:
        yield manager


def test_missing_image_is_pulled_once_and_then_used(images: PodmanManager, registry: Registry) -> None:
    digest = registry.publish("once", "1", "first")
    reference = f"{registry.host}/once:1"
    pulled = images.ensure_image_available(reference, PullPolicy.MISSING)
    assert pulled.digest == digest
    asked = len(registry.asked)
    registry.publish("once", "1", "second")
    for policy in (PullPolicy.MISSING, PullPolicy.NEVER):
        assert images.ensure_image_available(reference, policy) == pulled
    assert len(registry.asked) == asked


@pytest.mark.parametrize("policy", [PullPolicy.ALWAYS, PullPolicy.NEWER])
def test_changed_image_is_pulled_again(images: PodmanManager, registry: Registry, policy: PullPolicy) -> None:
    reference = f"{registry.host}/{policy}:1"
    first = registry.publish(policy.value, "1", "first")
    assert images.ensure_image_available(reference, policy).digest == first
    second = registry.publish(policy.value, "1", "second")
    assert images.ensure_image_available(reference, policy).digest == second != first


def test_reference_by_digest_is_that_image(images: PodmanManager, registry: Registry) -> None:
    digest = registry.publish("exact", "1", "first")
    registry.publish("exact", "1", "second")
    reference = f"{registry.host}/exact@{digest}"
    assert images.ensure_image_available(reference, PullPolicy.MISSING).digest == digest


def test_image_that_went_away_is_used_by_newer_and_refused_by_always(
    images: PodmanManager, registry: Registry
) -> None:
    registry.publish("gone", "1", "text")
    reference = f"{registry.host}/gone:1"
    kept = images.ensure_image_available(reference, PullPolicy.MISSING)
    registry.tags.clear()
    assert images.ensure_image_available(reference, PullPolicy.NEWER) == kept
    with pytest.raises(ImagePullError, match=reference):
        images.ensure_image_available(reference, PullPolicy.ALWAYS)


def test_registry_that_wants_a_login_is_named_and_the_login_is_not(
    puller: Engine, registry: Registry
) -> None:
    registry.publish("private", "1", "text")
    reference = f"{registry.host}/private:1"
    with (
        closing(PodmanManager(puller.socket, Timeouts())) as manager,
        pytest.raises(ImagePullError, match=f"{reference}.*registry_auth_file") as raised,
    ):
        manager.ensure_image_available(reference, PullPolicy.MISSING)
    assert "s3cret" not in str(raised.value)


def configured(directory: Path, policy: str, auth: Path | str) -> Config:
    """As the daemon reads it."""
    file = directory / "kojid.conf"
    file.write_text(
        "[kojid]\nserver = http://hub/kojihub\ntopurl = http://hub/files\n"
        f"[adjutant]\nimage_pull_policy = {policy}\nregistry_auth_file = {auth}\n"
    )
    return load_config(file, environment={})


@pytest.mark.parametrize(
    ("policy", "answer"),
    [
        ("missing", "first"),
        ("if-not-present", "first"),
        ("never", "first"),
        ("always", "second"),
        ("newer", "second"),
    ],
)
def test_image_of_a_tags_policy_is_pulled_as_configured(  # noqa: PLR0917
    puller: Engine, registry: Registry, images: PodmanManager, tmp_path: Path, policy: str, answer: str
) -> None:
    """Once the image is here, the configured policy decides whether a changed one is taken."""
    config = configured(tmp_path, policy, tmp_path / "auth.json")
    reference = f"{registry.host}/policy-{policy}:1"
    digests = {"first": registry.publish(f"policy-{policy}", "1", "first")}
    images.ensure_image_available(reference, PullPolicy.MISSING)
    digests["second"] = registry.publish(f"policy-{policy}", "1", "second")
    rule = {"type": "tag_arch", "tag": "dist-build", "arch": "x86_64", "image": reference}
    choice = PolicyResolver(config).image_for(
        tag_name="dist-build",
        tag_extra={"adjutant_image_policy": json.dumps({"version": "1.0", "rules": [rule]})},
        arch="x86_64",
        method="buildArch",
    )
    with closing(manager_for(puller, config)) as manager:
        found = manager.ensure_image_available(choice.reference, config.image_pull_policy)
    assert found.digest == digests[answer]


def test_image_that_is_not_here_and_must_not_be_pulled(
    puller: Engine, registry: Registry, tmp_path: Path
) -> None:
    registry.publish("absent", "1", "text")
    asked = len(registry.asked)
    config = configured(tmp_path, "never", "")
    with (
        closing(manager_for(puller, config)) as manager,
        pytest.raises(ImagePullError, match="pull policy is never"),
    ):
        manager.ensure_image_available(f"{registry.host}/absent:1", config.image_pull_policy)
    assert len(registry.asked) == asked


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"auths": {"HOST": {"auth": "d3Jvbmc6bG9naW4="}}}', "policy missing"),
        ("{", "is not JSON with a key auths"),
        (None, "cannot be read: No such file"),
    ],
)
def test_credentials_that_are_of_no_use_are_named(
    puller: Engine, registry: Registry, tmp_path: Path, content: str | None, said: str
) -> None:
    registry.publish("guarded", "1", "text")
    auth = tmp_path / "auth.json"
    if content is not None:
        auth.write_text(content.replace("HOST", registry.host))
    config = configured(tmp_path, "missing", auth)
    wanted = pytest.raises(ImagePullError, match=f"guarded:1 cannot be pulled.*{said}")
    with closing(manager_for(puller, config)) as manager, wanted as raised:
        manager.ensure_image_available(f"{registry.host}/guarded:1", config.image_pull_policy)
    assert "wrong:login" not in str(raised.value)


def manager_for(engine: Engine, config: Config) -> PodmanManager:
    """As the daemon makes it, but of this engine."""
    return PodmanManager(engine.socket, config.container_timeouts, str(config.registry_auth_file or ""))
