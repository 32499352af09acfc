"""What the demo tells people."""

from koji_adjutant.testbed import builder
from koji_adjutant.testbed.demo.report import how_to_use
from koji_adjutant.testbed.description import Description
from koji_adjutant.testbed.layout import Layout


def test_the_log_that_is_named_is_the_log(layout: Layout) -> None:
    description = Description(
        server="http://h/hub",
        topurl="http://h/files",
        topdir="/t",
        arch="x86_64",
        task_image="i",
        external_repo="e",
        srpms={},
        engine={},
    )
    assert any(f"log {builder.log_of(layout)}" in line for line in how_to_use(layout, description))
