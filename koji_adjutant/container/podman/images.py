"""Images of the engine: found, pulled, made empty, committed, removed."""

import json
import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from koji_adjutant import names
from koji_adjutant.container.interface import ImageInfo, PullPolicy
from koji_adjutant.container.podman import registry_auth
from koji_adjutant.container.podman.api import (
    EngineApi,
    Kind,
    Request,
    is_out_of_room,
    out_of_room,
    overran,
    refused,
)
from koji_adjutant.container.podman.commands import unbroken
from koji_adjutant.container.podman.empty_image import empty_archive
from koji_adjutant.container.podman.wire import DeadlinePassed
from koji_adjutant.errors import ConfigError, EngineError, ImagePullError

CHECK = (
    "check the reference in the image policy, that this host reaches the registry, and registry_auth_file "
    "if the registry wants a login"
)
# Nanoseconds are more than datetime reads.
_FRACTION = re.compile(r"(\.\d{6})\d+")


class Images:
    """The image half of an engine."""

    def __init__(self, api: EngineApi, registry_auth_file: str = "") -> None:
        self._api = api
        self._registry_auth_file = registry_auth_file

    def ensure_available(self, reference: str, policy: PullPolicy) -> ImageInfo:
        """See ContainerManager."""
        found = None if policy is PullPolicy.ALWAYS else self.inspect(reference)
        if found and policy is not PullPolicy.NEWER:
            return found
        if policy is PullPolicy.NEVER:
            raise ImagePullError(
                f"image {reference} is not in the engine's storage, and the pull policy is never",
                hint="load or build it on this host, or set image_pull_policy to missing",
            )
        self._pull(reference, policy)
        found = self.inspect(reference)
        if found is None:
            raise ImagePullError(
                f"image {reference} was pulled but is not in the engine's storage", hint=CHECK
            )
        return found

    def exists(self, reference: str) -> bool:
        """See ContainerManager."""
        # To inspect one, podman 4.3 compares it with all that have the same layers.
        request = Request(
            purpose=f"look for image {reference}",
            kind=Kind.CREATE,
            method="GET",
            path=f"{place_of(reference)}/exists",
            accepted=frozenset({HTTPStatus.NOT_FOUND}),
        )
        return self._api.call(request).status != HTTPStatus.NOT_FOUND

    def inspect(self, reference: str) -> ImageInfo | None:
        """None when the engine does not have it."""
        request = Request(
            purpose=f"look at image {reference}",
            kind=Kind.CREATE,
            method="GET",
            path=f"{place_of(reference)}/json",
            accepted=frozenset({HTTPStatus.NOT_FOUND}),
        )
        answer = self._api.call(request)
        return None if answer.status == HTTPStatus.NOT_FOUND else _inspected(answer.json())

    def look_in_registry(self, reference: str) -> None:
        """See that a registry has the image, without pulling it. EngineError, in the registry's words, when not."""
        self._api.call(
            Request(
                purpose=f"look for image {reference} in its registry",
                kind=Kind.CREATE,
                method="GET",
                path=f"{names.url_below('/manifests', reference, 'image', EngineError)}/json",
                headers=self._login(reference),
            )
        )

    def _pull(self, reference: str, policy: PullPolicy) -> None:
        always = policy in (PullPolicy.ALWAYS, PullPolicy.NEWER)
        request = Request(
            purpose=f"pull image {reference}",
            kind=Kind.PULL,
            method="POST",
            path="/images/pull",
            parameters={"reference": reference, "policy": policy.value if always else "missing"},
            headers=self._login(reference),
        )
        seconds = request.kind.seconds(self._api.timeouts)
        try:
            with unbroken(self._api, request):
                reason = self._pull_error(request, time.monotonic() + seconds)
        except EngineError as error:
            reason = error.message
        except DeadlinePassed as error:
            raise overran(request, seconds) from error
        if is_out_of_room(reason):
            raise out_of_room(request, reason)
        if reason:
            raise ImagePullError(
                f"image {reference} cannot be pulled (policy {policy}): {reason}", hint=CHECK
            )

    def _login(self, reference: str) -> Mapping[str, str]:
        try:
            return registry_auth.headers(self._registry_auth_file)
        except ConfigError as error:
            # It was good when the daemon started.
            raise ImagePullError(f"image {reference} cannot be pulled: {error}") from error

    def _pull_error(self, request: Request, deadline: float) -> str:
        """What the engine reports of a pull while it goes on is lines of JSON; an error is one of them."""
        rest = b""
        reason = ""
        with self._api.stream(request, deadline=deadline) as answer:
            while piece := answer.read():
                *lines, rest = (rest + piece).split(b"\n")
                reason = next((error for line in lines if (error := _error_of(line))), reason)
        return _error_of(rest) or reason

    def find(self, labels: Mapping[str, str]) -> tuple[ImageInfo, ...]:
        """See ContainerManager."""
        # podman 4.3 finds nothing when it is asked for two labels at once: it is asked for one.
        request = Request(
            purpose="list images",
            # Of hundreds that have layers in common, podman 4.3 takes half a minute.
            kind=Kind.PULL,
            method="GET",
            path="/images/json",
            # Also those without a name that another was made from.
            parameters={"all": "true", "filters": label_filter(dict(list(labels.items())[:1]))},
        )
        images = map(_listed, self._api.call(request).json() or ())
        found = [image for image in images if labels.items() <= image.labels.items()]
        return tuple(sorted(found, key=lambda image: image.created, reverse=True))

    def import_empty(self, reference: str) -> ImageInfo:
        """See ContainerManager."""
        if found := self.inspect(reference):
            return found
        self.load([empty_archive(reference)])
        return self._made(reference)

    def commit(self, container: str, reference: str, labels: Mapping[str, str]) -> ImageInfo:
        """See ContainerManager."""
        repository, tag = split_reference(reference)
        request = Request(
            purpose=f"commit container {container[:12]} as image {reference}",
            kind=Kind.PULL,
            method="POST",
            path="/commit",
            parameters={
                "container": container,
                "repo": repository,
                "tag": tag,
                "pause": "false",
                # podman 4 takes one pair of quotes off and leaves all else as it is; podman 5 reads it as a Dockerfile.
                "changes": [f'LABEL {key}="{value}"' for key, value in labels.items()],
            },
        )
        self._api.call(request)
        return self._made(reference)

    def load(self, archive: Iterable[bytes]) -> tuple[str, ...]:
        """See ContainerManager."""
        request = Request(
            purpose="load an image",
            kind=Kind.PULL,
            method="POST",
            path="/images/load",
            data=archive,
            headers={"Content-Type": "application/x-tar"},
        )
        return tuple(self._api.call(request).json()["Names"])

    def tag(self, reference: str, target: str) -> None:
        """See ContainerManager."""
        repository, tag = split_reference(target)
        request = Request(
            purpose=f"tag image {reference} as {target}",
            kind=Kind.CREATE,
            method="POST",
            path=f"{place_of(reference)}/tag",
            parameters={"repo": repository, "tag": tag},
        )
        self._api.call(request)

    def untag(self, reference: str) -> None:
        """See ContainerManager."""
        repository, tag = split_reference(reference)
        request = Request(
            purpose=f"untag image {reference}",
            kind=Kind.CREATE,
            method="POST",
            path=f"{place_of(reference)}/untag",
            parameters={"repo": repository, "tag": tag},
            accepted=frozenset({HTTPStatus.NOT_FOUND}),
        )
        self._api.call(request)

    def remove(self, reference: str) -> bool:
        """See ContainerManager."""
        request = Request(
            purpose=f"remove image {reference}",
            # As long as it takes to write one.
            kind=Kind.PULL,
            method="DELETE",
            path=place_of(reference),
            accepted=frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}),
        )
        answer = self._api.call(request)
        if answer.status == HTTPStatus.CONFLICT:
            raise refused(request, answer.status, answer.content)
        return answer.status != HTTPStatus.NOT_FOUND

    def _made(self, reference: str) -> ImageInfo:
        found = self.inspect(reference)
        if found is None:
            raise EngineError(f"image {reference} is not in the engine's storage right after it was made")
        return found


def place_of(reference: str) -> str:
    """Where an image is below the engine's API: nowhere else, whatever a tag calls an image."""
    return names.url_below("/images", reference, "image", EngineError)


def split_reference(reference: str) -> tuple[str, str]:
    """Name and tag; `latest` when there is none. A colon before the last slash belongs to a port."""
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, "latest")


def label_filter(labels: Mapping[str, str]) -> str:
    """The filter of a list request."""
    return json.dumps({"label": [f"{key}={value}" for key, value in labels.items()]} if labels else {})


def _error_of(line: bytes) -> str:
    try:
        said = json.loads(line)
    except ValueError:
        return ""
    return str(said.get("error") or "") if isinstance(said, dict) else ""


def _inspected(image: dict[str, Any]) -> ImageInfo:
    return ImageInfo(
        id=image["Id"],
        digest=image.get("Digest", ""),
        names=tuple(image.get("RepoTags") or ()),
        labels=image.get("Labels") or {},
        created=epoch(image.get("Created", "")),
        size=image.get("Size", 0),
        layers=tuple((image.get("RootFS") or {}).get("Layers") or ()),
        architecture=image.get("Architecture", ""),
    )


def _listed(image: dict[str, Any]) -> ImageInfo:
    return ImageInfo(
        id=image["Id"],
        digest=image.get("Digest", ""),
        names=tuple(image.get("Names") or image.get("RepoTags") or ()),
        labels=image.get("Labels") or {},
        created=float(image.get("Created", 0)),
        size=image.get("Size", 0),
    )


def epoch(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time; 0 for none."""
    return datetime.fromisoformat(_FRACTION.sub(r"\1", text)).timestamp() if text else 0.0
