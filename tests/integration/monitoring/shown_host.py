"""The host that the pages are looked at with: the sample's, and what a host may meet besides."""

from dataclasses import replace

from koji_adjutant.journal.phases import Phase
from koji_adjutant.journal.public import TaskFacts, logs_directory, task_facts_file, write_facts
from koji_adjutant.journal.use import Root
from tests.fakes.journals import Sample
from tests.fakes.public_facts import task_facts
from tests.fakes.story import BUILD_ERROR, Story, append_events

HOSTILE, LONG, RUNS_LONG, NEW, FAILS, FIRST_USUAL = 271, 272, 273, 281, 282, 300
"""Tasks more: one with names that are none, one with a very long name, one with a long log; the first of many."""
USUAL = 30
BAD_NAME = "<script>window.guest = 1</script><img src=x onerror='window.guest = 1'>\u202egnp.exe\x1b[2J\x07"
LONG_NAME = "texlive-" + "w" * 600 + "-1.0-1.src.rpm"
LINES = 20_000
MARK = "needle in line 77"


def add_tasks(sample: Sample) -> None:
    """What a host may meet, too."""
    story = Story(now=sample.now)
    boost = "boost-1.83-4.src.rpm, x86_64"
    story.build_arch(RUNS_LONG, 900, label=boost, is_running=True)
    _with_facts(
        sample, replace(task_facts(sample, sample.failed), task=RUNS_LONG, label=boost, package="boost")
    )
    for task, label in ((HOSTILE, BAD_NAME), (LONG, LONG_NAME)):
        story.opened(task, "buildArch", 9000, label=label)
        story.ended(
            task, 8900, Phase.FAILED, fault=1005, error=label, log="build.log", first_error_line=label
        )
        named = replace(task_facts(sample, sample.failed), task=task, label=label, package=label, owner=label)
        _with_facts(sample, replace(named, tag=label, link="javascript:alert(1)"))
    _add_usual_tasks(story, sample)
    append_events(sample.state_dir, story)
    hostile = f"{BAD_NAME}\n\x1b[31merror: red\x1b[m and \x1b]0;title\x07\n{'w' * 30_000}\n"
    logs_directory(sample.state_dir, HOSTILE).joinpath("build.log").write_text(hostile)
    lines = [
        f"{MARK}\n" if number == 77 else f"line {number} of many that say nothing\n"
        for number in range(LINES)
    ]
    lines[5000] = "main.c:1:1: error: the first of them\n"
    lines[9000] = "main.c:2:1: error: the second of them\n"
    logs_directory(sample.state_dir, RUNS_LONG).joinpath("build.log").write_text("".join(lines))


def _add_usual_tasks(story: Story, sample: Sample) -> None:
    """Enough for a history."""
    names = ("zlib-1.3-2", "openssl-3.2-1", "python3-lxml-5.1-1", "hello-2.12-3", "bash-5.2-9")
    for number in range(USUAL):
        task, ago = FIRST_USUAL + number, 120.0 + 220 * number
        label = f"{names[number % len(names)]}.src.rpm, x86_64"
        root = (Root.HIT, Root.DEPS_HIT, Root.HIT, Root.POPULATED)[number % 4]
        seconds = 8.0 * 1.4 ** (number * 7 % 11)
        story.build_arch(task, ago + seconds + 40, seconds=seconds, label=label, root=root)
        ended = Phase.FAILED if number % 13 == 5 else Phase.CLOSED
        story.ended(task, ago, ended, **({"error": BUILD_ERROR} if ended is Phase.FAILED else {}))
        facts = replace(
            task_facts(sample, sample.closed),
            task=task,
            label=label,
            package=names[number % len(names)],
            created=sample.now - ago - seconds - 40 - 0.4 * 1.5 ** (number % 12),
            logs=(),
        )
        _with_facts(sample, facts)


def _with_facts(sample: Sample, facts: TaskFacts) -> None:
    """The facts of a task, and its logs, with nothing in them yet."""
    write_facts(task_facts_file(sample.state_dir, facts.task), facts)
    directory = logs_directory(sample.state_dir, facts.task)
    directory.mkdir()
    for name in facts.logs:
        (directory / name).write_bytes(b"")
