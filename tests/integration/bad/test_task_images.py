"""Task images that are not fit for a tag: one error that says which, what is wrong, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import koji
import pytest

from koji_adjutant.container import labels
from koji_adjutant.journal.phases import Phase
from koji_adjutant.testbed.content import BUILD_TAG
from koji_adjutant.testbed.tasks import family
from tests.integration.bad.conftest import BAD, Bad
from tests.integration.changed_images import changed_image
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman

POLICY = "adjutant_image_policy"
OLD_TOOL = """\
for tool in createrepo_c mergerepo_c; do
    path=$(type -P $tool)
    mv "$path" "$path.new"
    printf '#!/bin/bash\\nset -o pipefail\\n%s "$@" 2>&1 | sed "s/Version: [0-9.]*/Version: 0.12.1/"\\n' \\
        "$path.new" >"$path"
    chmod 755 "$path"
done"""

OTHER_DATABASE = "mkdir -p /etc/rpm; echo '%_dbpath /var/lib/rpm-of-another-release' >/etc/rpm/macros.dbpath"
"""Where it is differs between releases; the kinds of database that an rpm knows, it finds out by itself."""


@contextmanager
def built_with(bad: Bad, script: str) -> Iterator[str]:
    """Builds of the tag have the task image, after a script has run in it."""
    admin = bad.testbed.session
    with changed_image(bad.testbed, script) as image:
        rules = [{"type": "task_type", "task_type": "buildArch", "image": image}]
        admin.editTag2(BAD, extra={POLICY: {"version": "1.0", "rules": rules}})
        try:
            # What is read of a tag is what it was when its repo was made.
            bad.testbed.regenerate(BAD)
            yield image
        finally:
            admin.editTag2(BAD, remove_extra=[POLICY])
            bad.testbed.regenerate(BAD)


def attempts(testbed: Testbed, task: int) -> int:
    return sum(event.task == task and event.name == Phase.OPENED for event in testbed.journal())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("rm /usr/bin/python3", ("{image} has no /usr/bin/python3", "Containerfile.task")),
        (
            "rpm --erase --nodeps python3-dnf",
            (
                "{tag} is solved with dnf4, which needs python3-dnf",
                "{image} does not have it",
                "install python3-dnf into the task image",
            ),
        ),
        (
            OTHER_DATABASE,
            (
                "rpm of the buildroot of task {task} does not read the packages that rpm of task image {image} has",
                "cannot open Packages database in",
                "give tag {tag} a task image of its own release",
            ),
        ),
    ],
    ids=["python", "dnf", "database"],
)
def test_an_image_that_cannot_make_a_root(bad: Bad, script: str, words: tuple[str, ...]) -> None:
    testbed = bad.testbed
    with built_with(bad, script) as image:
        failure = bad.failure(bad.source("unfit-image", "bad-not-at-all"))
        assert isinstance(failure.error, koji.BuildrootError)
        wanted = [word.format(image=image, tag=BAD, task=failure.task.id) for word in words]
        assert [word for word in wanted if word not in failure.message] == [], failure.message
        assert attempts(testbed, failure.task.id) == 1
        assert not [
            path for path in failure.logs.iterdir() if path.name == "build.log" or path.suffix == ".rpm"
        ]
        assert not testbed.engine.podman(
            "ps", "--all", "--quiet", f"--filter=label={labels.TASK}={failure.task.id}"
        )
    bad.still_builds()


@contextmanager
def repo_tag(testbed: Testbed, name: str, image: str) -> Iterator[str]:
    """A tag with an external repo that is merged in mode `simple`, whose tasks have `image`."""
    session = testbed.session
    rules = [{"type": "default", "image": image}]
    session.createTag(
        name, arches=testbed.description.arch, extra={POLICY: {"version": "1.0", "rules": rules}}
    )
    session.addExternalRepoToTag(name, "bad", 5, merge_mode="simple")
    yield name
    session.deleteTag(name)


@pytest.mark.parametrize(
    ("name", "script", "words"),
    [
        (
            "dist-md-no-createrepo",
            'rm "$(type -P createrepo_c)"',
            ("localhost/changed:1 has no /usr/bin/createrepo_c",),
        ),
        (
            "dist-md-old-createrepo",
            OLD_TOOL,
            ("tag dist-md-old-createrepo is too old for merge mode simple", "0.12.1, wanted 0.13.0", "newer"),
        ),
    ],
    ids=["none", "too old"],
)
def test_an_image_that_cannot_make_metadata(bad: Bad, name: str, script: str, words: tuple[str, ...]) -> None:
    testbed = bad.testbed
    with changed_image(testbed, script) as image, repo_tag(testbed, name, image):
        root = testbed.wait_task(testbed.session.newRepo(name), timeout=300)
        assert root.state == "FAILED"
        task = next(task for task in family(testbed.session, root.id) if task.method == "createrepo")
        assert task.state == "FAILED"
        told = testbed.fault(task.id)
        assert [word for word in words if word not in told] == []
        assert attempts(testbed, task.id) == 1
        assert testbed.session.getRepo(name) is None
    testbed.regenerate(BUILD_TAG)
