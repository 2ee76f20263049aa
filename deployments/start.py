"""Start the command line; an interrupt while its modules load ends in one line.

The modules take seconds to import. An exception out of an import prints a traceback, or is
swallowed by an extension module, so the process ends in the handler of the signal.
"""

import os
import signal
from types import FrameType

INTERRUPTED = 130


def main() -> None:
    """Import and run the command line."""
    # a process in the background may have been started with the signal ignored
    is_interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_interruptible:
        signal.signal(signal.SIGINT, _end_process)
    from deployments.cli import main as run_command

    if is_interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run_command()
    except KeyboardInterrupt:
        # nor may a second one interrupt the end of the process
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.write(2, b"Interrupted.\n")
        raise SystemExit(INTERRUPTED) from None


def _end_process(_: int, __: FrameType | None) -> None:
    os.write(2, b"Interrupted.\n")
    os._exit(INTERRUPTED)
