"""Runs what comes in by the control port, as root, and answers with what it prints: the machine's end of `control.py`.

A line of JSON each: {"id", "script"} in, {"id", "output"} and at last {"id", "status"} out. Scripts run side by side.
"""

import base64
import json
import os
import subprocess
import sys
import threading
import time

PORT = "/dev/virtio-ports/adjutant.control"
AWAY_SECONDS = 0.2

lock = threading.Lock()


def say(port, **message):
    data = json.dumps(message).encode() + b"\n"
    with lock:
        while data:
            data = data[os.write(port, data) :]


def run(port, number, script):
    try:
        child = subprocess.Popen(
            ["bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        # A script of more than 128 KiB, say.
        say(port, id=number, output=base64.b64encode(f"{error}\n".encode()).decode())
        say(port, id=number, status=126)
        return
    with child:
        while piece := os.read(child.stdout.fileno(), 1 << 16):
            say(port, id=number, output=base64.b64encode(piece).decode())
    say(port, id=number, status=child.returncode)


def requests(port):
    rest = b""
    while True:
        piece = os.read(port, 1 << 16)
        if not piece:
            # Nobody is at the other end.
            time.sleep(AWAY_SECONDS)
        *lines, rest = (rest + piece).split(b"\n")
        yield from (json.loads(line) for line in lines)


def main():
    while not os.path.exists(PORT):
        time.sleep(AWAY_SECONDS)
    port = os.open(PORT, os.O_RDWR)
    for asked in requests(port):
        threading.Thread(target=run, args=(port, asked["id"], asked["script"]), daemon=True).start()


sys.exit(main())
