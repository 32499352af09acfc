"""A package of format 6 and its source package, which only rpm 6 can write: six.spec, by rpm 6.1, a file in it."""

from pathlib import Path

SOURCE = Path(__file__).with_name("six-1-1.src.rpm")
BINARY = Path(__file__).with_name("six-1-1.noarch.rpm")
