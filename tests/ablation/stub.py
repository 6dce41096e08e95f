"""A command that costs milliseconds: what it reports is a function of its options."""

import argparse
import hashlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser()
for name in ("command", "config", "json", "out", "weights"):
    parser.add_argument(f"--{name}")
given = parser.parse_args()
options = json.loads(Path(given.config).read_text())

asked: list[int] = []
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda received, _: asked.append(received))
with Path(os.environ["STUB_CALLS"]).open("a") as calls:
    calls.write(f"{given.command} {os.environ.get('CUDA_VISIBLE_DEVICES', '-')}\n")
for _ in range(round(options["seconds"] / 0.01)):
    time.sleep(0.01)
    ready, _, _ = select.select([0], [], [], 0)
    if ready and not os.read(0, 1):
        asked.append(signal.SIGTERM)  # as commands do, when their runner is gone
    if asked:
        sys.stderr.write("fcmae: stopped and saved.\n")
        sys.exit(128 + asked[0])
if options["fails"]:
    sys.stderr.write("much to say\nfcmae: the stub was told to fail.\n")
    sys.exit(6)

start = (Path(given.weights) / "made").read_text() if given.weights else ""
text = json.dumps([given.command, options["value"], options["rate"], options["seed"], start])
top1 = int(hashlib.sha256(text.encode()).hexdigest()[:4], 16) / 2**16
if options["best"] is not None:
    top1 = 1 - abs(options["rate"] - options["best"])
loss = 0.5 if options["best"] is None else 1 - top1
if given.out:
    (Path(given.out) / "made").write_text(text)
Path(given.json).write_text(json.dumps({"top1": top1, "metrics": {"loss": loss}}))
