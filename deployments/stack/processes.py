"""Long-running processes of the local stack, each with a state file and a log file."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from warehouse.base_error import RotationError

KILL_SECONDS = 5.0


class ServiceError(RotationError):
    """A process of the stack did not start or ended; the message has the end of its log."""


@dataclass(frozen=True)
class Service:
    """One process by name.

    Attributes:
        home: The state folder.
        name: Stem of its files: `services/<name>.json` and `logs/<name>.log`.
    """

    home: Path
    name: str

    @property
    def state_file(self) -> Path:
        """Return the file with the process number, its identity and its start parameters."""
        return self.home / "services" / f"{self.name}.json"

    @property
    def log_file(self) -> Path:
        """Return the file with the output of the process."""
        return self.home / "logs" / f"{self.name}.log"

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], **parameters: object
    ) -> None:
        """Start the process in a session of its own, which Ctrl-C in this terminal does not reach.

        Args:
            command: Program and arguments.
            environment: All of its environment variables.
            parameters: Stored in the state file, for `read_state`.
        """
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                list(command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        state = parameters | {"pid": process.pid, "identity": process_identity(process.pid)}
        self.state_file.write_text(json.dumps(state))

    def read_state(self) -> dict[str, object] | None:
        """Return the start parameters with `pid`; None if the process does not run."""
        state = self.read_last_state()
        identity = process_identity(int(str(state["pid"]))) if state else None
        return state if identity is not None and identity == state.get("identity") else None

    def read_last_state(self) -> dict[str, object]:
        """Return the parameters of the last start, even if it ended; empty after `stop`."""
        try:
            state: dict[str, object] = json.loads(self.state_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return state

    def check(self) -> None:
        """Raise ServiceError if the process does not run."""
        if self.read_state() is None:
            raise ServiceError(f"{self.name} ended. The end of {self.log_file}:\n{self.log_tail()}")

    def log_tail(self, characters: int = 2000) -> str:
        """Return the end of the log."""
        if not self.log_file.exists():
            return ""
        return self.log_file.read_text(errors="replace")[-characters:]

    def terminate_children(self, grace_seconds: float = 60) -> None:
        """Terminate the child processes and keep the process itself running.

        Used for flow runs before their worker stops: on SIGTERM the worker kills them, leaving
        queries, run state and locks uncleaned.

        Args:
            grace_seconds: Time between SIGTERM and SIGKILL.
        """
        state = self.read_state()
        if state is None:
            return
        children: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(int(str(state["pid"]))).children()

        def send(sign: signal.Signals) -> None:
            for child in children:
                # psutil compares the identity before it sends a signal
                with suppress(psutil.NoSuchProcess):
                    child.send_signal(sign)

        _terminate(send, lambda: all(map(_has_ended, children)), grace_seconds)

    def stop(self, grace_seconds: float = 15) -> bool:
        """Stop the process and its process group; return True if it was running."""
        state = self.read_state()
        self.state_file.unlink(missing_ok=True)
        if state is None:
            return False
        group = int(str(state["pid"]))

        def send(sign: signal.Signals) -> None:
            with suppress(ProcessLookupError):
                os.killpg(group, sign)

        _terminate(send, lambda: not _is_group_alive(group), grace_seconds)
        return True


def process_identity(pid: int) -> int | None:
    """Return a number that differs for a later process of the same pid; None if none runs."""
    try:
        process = psutil.Process(pid)
        # psutil hashes the pid and the start time, which clock changes do not move
        return None if _has_ended(process) else hash(process)
    except psutil.NoSuchProcess:
        return None


def _has_ended(process: psutil.Process) -> bool:
    # a zombie has ended; its parent, another process, has not collected it yet
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _terminate(
    send: Callable[[signal.Signals], None], has_ended: Callable[[], bool], grace_seconds: float
) -> None:
    """Send SIGTERM, and SIGKILL after the grace period, until the processes have ended."""
    for sign, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, KILL_SECONDS)):
        send(sign)
        deadline = time.monotonic() + seconds
        while not has_ended():
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return


def _is_group_alive(group: int) -> bool:
    # collect an ended child of this process; init collects the others
    with suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)
    return any(
        _group_of(process) == group and not _has_ended(process) for process in psutil.process_iter()
    )


def _group_of(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return None
