import pytest

from koji_adjutant.journal.phases import Phase
from koji_adjutant.monitoring.phases import PhaseName, phase_after


@pytest.mark.parametrize(
    ("event", "command", "method", "phase"),
    [
        (Phase.OPENED, "", "buildArch", PhaseName.STARTING),
        (Phase.STARTED, "", "buildArch", PhaseName.STARTING),
        (Phase.STARTED, "", "build", PhaseName.WAITING),
        (Phase.STARTED, "", "tagBuild", PhaseName.WORKING),
        (Phase.BUILDROOT_RECORD, "", "buildArch", PhaseName.REPO),
        (Phase.SOLVED, "", "buildArch", PhaseName.POPULATING),
        (Phase.RPMBUILD_STARTED, "rpmbuild-bs", "buildArch", PhaseName.SRPM),
        (Phase.RPMBUILD_STARTED, "rpmbuild-br", "buildArch", PhaseName.REQUIRES),
        (Phase.RPMBUILD_STARTED, "rpmbuild-ba", "buildArch", PhaseName.BUILDING),
        (Phase.RPMBUILD_STARTED, "prep", "buildArch", PhaseName.PREP),
        (Phase.RPMBUILD_STARTED, "something-new", "buildArch", PhaseName.BUILDING),
        (Phase.COMMAND_STARTED, "checkout", "buildSRPMFromSCM", PhaseName.CHECKOUT),
        (Phase.COMMAND_ENDED, "checkout", "buildSRPMFromSCM", None),
        (Phase.COMMAND_STARTED, "createrepo_c", "createrepo", PhaseName.COMMAND),
        (Phase.COMMAND_ENDED, "createrepo_c", "createrepo", PhaseName.UPLOADING),
        (Phase.UPLOADED, "", "createrepo", PhaseName.CLOSING),
        (Phase.ADOPTED, "", "buildArch", None),
        ("of-tomorrow", "", "buildArch", None),
    ],
)
def test_an_event_begins_a_phase(event: str, command: str, method: str, phase: PhaseName | None) -> None:
    assert phase_after(str(event), {"command": command}, method=method) is phase


def test_every_phase_but_the_queue_is_begun_by_some_event() -> None:
    commands = [
        "rpmbuild-bs",
        "rpmbuild-br",
        "rpmbuild-bb",
        "prep",
        "build",
        "install",
        "check",
        "package",
        "checkout",
        "x",
    ]
    begun = {
        phase_after(event.value, {"command": command}, method=method)
        for event in Phase
        for command in commands
        for method in ("build", "buildArch", "tagBuild")
    }
    assert begun - {None} == {*PhaseName} - {PhaseName.QUEUED}
