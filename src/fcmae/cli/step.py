"""A command as a step of a plan: it ends, saved, when the process that began it does."""

import os
import signal
import sys
import threading
import time

from fcmae.cli.main import main

PATIENCE_S = 60.0
"""Seconds in which a run must have saved after it was asked to stop."""


def end_with_parent() -> None:
    """Wait until nobody holds the other end of standard input, then stop as a signal would."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_S)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if hasattr(signal, "SIGUSR2"):
        # Clusters announce the end of a job with it to all processes; our parent sees to that.
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.exit(main())
