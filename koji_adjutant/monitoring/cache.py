"""What the buildroot images are worth: those that there are, and how roots of late came to be. Pure."""

from collections import Counter
from collections.abc import Iterable
from statistics import fmean

from koji_adjutant.journal.public import ImageFacts, Images
from koji_adjutant.monitoring.tasks import TaskRecord
from koji_adjutant.monitoring.views import BuildrootView, CacheView


def cache_view(images: Images | None, tasks: Iterable[TaskRecord]) -> CacheView:
    """The cache now; `tasks`: as far back as the history is kept."""
    roots: Counter[str] = Counter()
    took: list[float] = []
    for task in tasks:
        roots[task.root] += 1
        if task.populate_seconds is not None:
            took.append(task.populate_seconds)
    listed = images.images if images else ()
    hits, deps_hits = roots["hit"], roots["deps_hit"]
    return CacheView(
        images=tuple(_buildroot_view(image) for image in listed),
        bytes=sum(image.bytes for image in listed),
        limit_bytes=images.limit_bytes if images else None,
        hits=hits,
        deps_hits=deps_hits,
        populated=roots["populated"],
        seconds_saved=(hits + deps_hits) * fmean(took) if took else 0.0,
    )


def _buildroot_view(image: ImageFacts) -> BuildrootView:
    return BuildrootView(
        key=image.key,
        kind=image.kind,
        tag=image.tag,
        arch=image.arch,
        group=image.group,
        bytes=image.bytes,
        created=image.created,
        last_used=image.last_used,
        uses=image.uses,
    )
