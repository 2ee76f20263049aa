"""Long-running processes of the local stack: started apart, found again, stopped wholly.

Each has a file in the state folder that says which process it is, and a log beside the others.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from warehouse.base_error import RotationError


class ServiceError(RotationError):
    """A process of the stack did not start or did not stay; the message has its log's end."""


@dataclass(frozen=True)
class Service:
    """One process by name.

    Attributes:
        home: The state folder.
        name: Names its files: `services/<name>.json` and `logs/<name>.log`.
    """

    home: Path
    name: str

    @property
    def state_file(self) -> Path:
        """Says which process it is, and what it was started for."""
        return self.home / "services" / f"{self.name}.json"

    @property
    def log_file(self) -> Path:
        """What it prints."""
        return self.home / "logs" / f"{self.name}.log"

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], **facts: object
    ) -> None:
        """Starts the process in a session of its own, so that Ctrl-C here does not reach it."""
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
        facts |= {"pid": process.pid, "started": process_start_time(process.pid)}
        self.state_file.write_text(json.dumps(facts))

    def read_state(self) -> dict[str, object] | None:
        """What it was started for, with its `pid`; None where it does not run."""
        try:
            facts: dict[str, object] = json.loads(self.state_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        # the number may have been given to another process since
        pid = facts["pid"]
        return (
            facts
            if isinstance(pid, int) and process_start_time(pid) == facts.get("started")
            else None
        )

    def check(self) -> None:
        """Raises ServiceError where it does not run."""
        if self.read_state() is None:
            raise ServiceError(f"{self.name} ended. The end of {self.log_file}:\n{self.log_tail()}")

    def log_tail(self, characters: int = 2000) -> str:
        """The end of its log."""
        if not self.log_file.exists():
            return ""
        return self.log_file.read_text(errors="replace")[-characters:]

    def terminate_children(self, grace_seconds: float = 60) -> None:
        """Asks what the process started to end, in the end ends it; the process itself goes on.

        A worker that is told to end kills its flow runs without a word. Asked first, they end
        their statements, say how they ended, and give their turn to others.
        """
        facts = self.read_state()
        pids = _children_of(int(str(facts["pid"]))) if facts else []
        children = {pid: began for pid in pids if (began := process_start_time(pid))}
        for sign, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 5.0)):
            deadline = time.monotonic() + patience
            # the number alone may be another process's in a moment
            children = {
                pid: began for pid, began in children.items() if process_start_time(pid) == began
            }
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, sign)
            while any(process_start_time(pid) == began for pid, began in children.items()):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)

    def stop(self, grace_seconds: float = 15) -> bool:
        """Ends the process and all it started; True where it ran."""
        facts = self.read_state()
        self.state_file.unlink(missing_ok=True)
        if facts is None:
            return False
        pid = int(str(facts["pid"]))
        for sign, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 5.0)):
            try:
                os.killpg(pid, sign)
            except ProcessLookupError:
                return True
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if not _is_group_alive(pid):
                    return True
                time.sleep(0.05)
        return True


def process_start_time(pid: int) -> str:
    """What tells a process from a later one of the same number; empty where it does not run."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # after the name in brackets: the state, and as the 20th the start in clock ticks
            facts = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if facts[0] == "Z" else facts[19]
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True
    )
    state, _, started = done.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def _children_of(pid: int) -> list[int]:
    """The processes that a process started itself."""
    done = subprocess.run(["ps", "-Ao", "pid=,ppid="], capture_output=True, text=True)
    pairs = (line.split() for line in done.stdout.splitlines())
    return [int(child) for child, parent in pairs if int(parent) == pid]


def _is_group_alive(group: int) -> bool:
    # collect it, where it is a child of ours; else init does
    with suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    # what has ended and is another's child is there until that one asks for it
    done = subprocess.run(["ps", "-Ao", "pgid=,stat="], capture_output=True, text=True)
    pairs = (line.split() for line in done.stdout.splitlines())
    return any(int(of) == group and not state.startswith("Z") for of, state in pairs)
