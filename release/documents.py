"""Manual pages and completion as files, laid out as they lie below /usr/share."""

from pathlib import Path

from release.completion import completions
from release.manual import pages


def documents() -> dict[str, str]:
    """The text of each file by its path below /usr/share."""
    return {
        **{f"man/man{name[-1]}/{name}": text for name, text in pages().items()},
        **{f"bash-completion/completions/{name}": text for name, text in completions().items()},
    }


def write_documents(directory: Path) -> list[Path]:
    """Write all of them below `directory`."""
    written = []
    for place, text in documents().items():
        path = directory / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        written.append(path)
    return written
