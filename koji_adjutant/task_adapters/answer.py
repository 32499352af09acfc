"""What a small command in a container answers: the beginning of its output, which a package may have had a hand in."""

from koji_adjutant.container.interface import Stream

LIMIT = 4096


class Answer:
    """A sink for it."""

    def __init__(self) -> None:
        self.text = b""

    def write(self, stream: Stream, data: bytes) -> None:
        """Keep what is within the limit."""
        if stream == "stdout":
            self.text = (self.text + data)[:LIMIT]
