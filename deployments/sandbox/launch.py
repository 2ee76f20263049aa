"""Start the sandbox's process and wait until it serves."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from warehouse.base_error import RotationError

STATE = "sandbox.json"  # in the home folder; exists while the sandbox serves
ROOT = Path(__file__).resolve().parents[2]


class SandboxError(RotationError):
    """Raised when a sandbox does not start, is not found or rejects a command."""


def instant_text(instant: datetime | str) -> str:
    """Format a timestamp for the sandbox.

    Args:
        instant: With its offset.

    Returns:
        The instant in ISO form.

    Raises:
        ValueError: When a datetime has no offset.
    """
    if isinstance(instant, str):
        return instant
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no offset; pass one such as datetime(..., tzinfo=UTC)")
    return instant.astimezone(UTC).isoformat()


def launch(tape: Path, home: Path, clock: str | None, timeout: float) -> subprocess.Popen[bytes]:
    """Start a sandbox in its own process.

    Args:
        tape: The folder to replay.
        home: The folder for the sandbox's files.
        clock: Where its clock starts; None for the tape's own instant.
        timeout: How many seconds to wait until it serves.

    Returns:
        The process, serving.

    Raises:
        SandboxError: When it ends or is not ready in time; with the end of its log.
    """
    command = [sys.executable, "-m", "deployments.sandbox", "--tape", str(tape)]
    command += ["--home", str(home), *(["--clock", clock] if clock else [])]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    log = home / "sandbox.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            # Ctrl-C in the terminal is for the command line, which then stops the sandbox.
            start_new_session=True,
        )
    try:
        _wait_until_serving(process, home, timeout)
    except BaseException:  # an interrupt, too, must leave no process behind
        process.kill()
        process.wait()
        raise
    return process


def _wait_until_serving(process: subprocess.Popen[bytes], home: Path, timeout: float) -> None:
    log = home / "sandbox.log"
    deadline = time.monotonic() + timeout
    while not (home / STATE).exists():
        code = process.poll()
        if code is None and time.monotonic() < deadline:
            time.sleep(0.02)
            continue
        why = "was not ready in time" if code is None else f"ended with exit code {code}"
        tail = log.read_text(errors="replace")[-2000:]
        raise SandboxError(f"The sandbox {why}. The end of {log}:\n{tail}")
