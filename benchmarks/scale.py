"""Many builds at once, and many images in the store."""

import hashlib
import io
import json
import statistics
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench import Bench, Measurement
from benchmarks.figures import Against, Figure, figure
from koji_adjutant.container import labels

AT_ONCE = (1, 2, 4, 8)
IMAGES = 200


def concurrent(bench: Bench) -> Iterator[Figure]:
    """Seconds of one build when so many run at once, and of all of them together."""
    bench.warm_up("hello")
    alone = 0.0
    for number in AT_ONCE:
        each, together = [], []
        for _ in range(bench.rounds):
            submitted = [bench.testbed.submit("hello") for _ in range(number)]
            tasks = [bench.testbed.finish(task) for task in submitted]
            each.append(statistics.median(task.seconds for task in tasks))
            together.append(max(task.ended for task in tasks) - min(task.started for task in tasks))
            bench.check(tasks[-1], "hello")
        alone = alone or statistics.median(each)
        yield figure(f"hello_{number}_at_once", each, against=Against(what="one alone", value=alone))
        one_by_one = Against(what="one after the other", value=alone * number)
        yield figure(f"all_of_{number}_at_once", together, against=one_by_one)


def many_images(bench: Bench) -> Iterator[Figure]:
    """What images that are nobody's concern cost a build, and the start of the daemon."""
    bench.warm_up("hello")
    few = [bench.built("hello").seconds for _ in range(bench.rounds)]
    ready = [bench.testbed.restart_daemon() for _ in range(bench.rounds)]
    bench.built("hello")
    names = small_images(bench)
    many = [bench.built("hello").seconds for _ in range(bench.rounds)]
    ready_with_many = [bench.testbed.restart_daemon() for _ in range(bench.rounds)]
    bench.testbed.engine.podman("rmi", "--force", *names)
    without = Against(what=f"without the {IMAGES} images", value=statistics.median(few))
    yield figure(f"warm_hello_{IMAGES}_images", many, against=without)
    without = Against(what=f"without the {IMAGES} images", value=statistics.median(ready))
    yield figure(f"ready_{IMAGES}_images", ready_with_many, against=without)


def small_images(bench: Bench) -> list[str]:
    """Load IMAGES images that are labelled as images of buildroots; their names."""
    path = bench.storage.directory / "small-images.tar"
    names = write_images(path)
    bench.testbed.engine.load_archive(path)
    path.unlink()
    return names


def write_images(path: Path) -> list[str]:
    """An archive of many images of one tiny layer, each of another key; their names."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as content:
        content.addfile(tarfile.TarInfo("small"))
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    entries, names = [], []
    with tarfile.open(path, "w") as archive:
        _add(archive, f"{digest}.tar", layer.getvalue())
        for number in range(IMAGES):
            key = hashlib.sha256(f"small {number}".encode()).hexdigest()
            config = json.dumps(_config(key, digest)).encode()
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(archive, name, config)
            names.append(f"localhost/koji-adjutant-buildroot:{key[:32]}")
            entries.append({"Config": name, "RepoTags": names[-1:], "Layers": [f"{digest}.tar"]})
        _add(archive, "manifest.json", json.dumps(entries).encode())
    return names


def _config(key: str, digest: str) -> dict[str, object]:
    found = {
        labels.ROLE: labels.Role.IMAGE.value,
        labels.KEY: key,
        labels.WORKER: "somebody-else",
        labels.TAG: "small",
        labels.ARCH: "x86_64",
        labels.GROUP: "build",
    }
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": datetime.now(UTC).isoformat(),
        "config": {"Labels": found},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created_by": "benchmarks"}],
    }


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


MEASUREMENTS = (
    Measurement(names=[f"hello_{number}_at_once" for number in AT_ONCE], measure=concurrent),
    Measurement(names=(f"warm_hello_{IMAGES}_images", f"ready_{IMAGES}_images"), measure=many_images),
)
