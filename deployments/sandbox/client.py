"""Client that starts, finds, controls and stops a sandbox."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from deployments.sandbox.launch import STATE, SandboxError, instant_text, launch
from tasks.http_client import TransportError, open_local_client

CONTROL_HEADER = {"X-Rotation-Sandbox": "1"}
# generous, because a busy machine may slow the sandbox down
TIMEOUT_SECONDS = 60


@dataclass
class Sandbox:
    """A running sandbox.

    Attributes:
        home: The folder of its files.
        port: Port of its proxy and control interface, on the loopback address.
        pid: Process id.
        ca_bundle: File of the certificates that clients have to trust.
        tape: The name of the tape that it replays.
        kind: Kind of the tape: real or simulated.
    """

    home: Path
    port: int
    pid: int
    ca_bundle: Path
    tape: str
    kind: str
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def start(
        cls, tape: Path, home: Path, clock: datetime | str | None = None, timeout: float = 300.0
    ) -> Self:
        """Start a sandbox in its own process and wait until it is ready.

        Args:
            tape: The folder to replay.
            home: The folder for the sandbox's files; one sandbox a folder.
            clock: Start time of its clock; the tape's own time by default.
            timeout: How many seconds to wait.

        Returns:
            The sandbox.

        Raises:
            SandboxError: When one runs in this home already, or this one ends or is not ready in
                time; the end of its log is in the message.
        """
        home = Path(home).resolve()
        home.mkdir(parents=True, exist_ok=True)
        if (home / STATE).exists():
            try:
                running = cls.attach(home)
            except SandboxError:
                (home / STATE).unlink(missing_ok=True)  # left behind by one that was killed
            else:
                raise SandboxError(
                    f"A sandbox already runs in {home} (process {running.pid}); stop it."
                )
        start_at = None if clock is None else instant_text(clock)
        process = launch(Path(tape).resolve(), home, start_at, timeout)
        try:
            sandbox = cls.attach(home)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        sandbox._process = process
        return sandbox

    @classmethod
    def attach(cls, home: Path) -> Self:
        """Connect to the sandbox that runs in a home folder.

        Args:
            home: Its folder.

        Returns:
            The sandbox.

        Raises:
            SandboxError: When none runs there.
        """
        home = Path(home).resolve()
        state = home / STATE
        try:
            facts = json.loads(state.read_bytes())
        except FileNotFoundError:
            raise SandboxError(f"No sandbox runs in {home}: it has no {state.name}.") from None
        facts["ca_bundle"] = Path(facts["ca_bundle"])
        sandbox = cls(home, **facts)
        if sandbox._call("GET", "/health").get("pid") != sandbox.pid:
            raise SandboxError(f"Port {sandbox.port} belongs to another sandbox than {home}'s.")
        return sandbox

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point the providers' clients at this sandbox.

        Returns:
            Variables to set before a process imports the clients.
        """
        proxy, direct = f"http://127.0.0.1:{self.port}", "127.0.0.1,localhost"
        bundle = str(self.ca_bundle)
        return {
            "HTTPS_PROXY": proxy,
            "NO_PROXY": direct,
            # libcurl and urllib prefer the lower-case names: a machine's own proxy must not win.
            "https_proxy": proxy,
            "no_proxy": direct,
            "REQUESTS_CA_BUNDLE": bundle,
            "CURL_CA_BUNDLE": bundle,
            "SSL_CERT_FILE": bundle,
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "ROTATION_CLOCK": f"{proxy}/clock",
        }

    def now(self) -> datetime:
        """Return the time of the sandbox's clock."""
        return datetime.fromisoformat(self._call("GET", "/clock")["now"])

    def set_clock(self, instant: datetime | str) -> None:
        """Set the clock, forwards or back.

        Args:
            instant: With its offset.
        """
        self._call("PUT", "/clock", {"now": instant_text(instant)})

    def add_fault(
        self,
        kind: str,
        host: str = "",
        path: str = "",
        query: str = "",
        count: int | None = 1,
        **options: Any,
    ) -> None:
        """Add a scripted fault after the pending ones.

        Args:
            kind: One of faults.KINDS.
            host: A regular expression to be found in the host; like path and query.
            path: As host.
            query: As host.
            count: How many requests it applies to; None for all until the faults are cleared.
            **options: The kind's own: status, body, content_type, headers, seconds, bytes, rows.
        """
        where = {"host": host, "path": path, "query": query}
        self._call("POST", "/faults", {"kind": kind, "count": count} | where | options)

    def clear_faults(self) -> None:
        """Remove all pending faults."""
        self._call("DELETE", "/faults")

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests so far: time, method, host, path, query, status and fault."""
        entries: list[dict[str, Any]] = self._call("GET", "/requests")
        return entries

    def clear_requests(self) -> None:
        """Clear the request log."""
        self._call("DELETE", "/requests")

    def stop(self) -> None:
        """Stop the process and wait for its end; do nothing if it has ended.

        Raises:
            SandboxError: When it does not end.
        """
        if self._serves():  # otherwise it is ending already, and needs no second signal
            process = _find_process(self.pid)
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while process and _is_running(process):
                if time.monotonic() > deadline:
                    raise SandboxError(
                        f"The sandbox of {self.home} (process {self.pid}) did not stop within"
                        f" {TIMEOUT_SECONDS} s; end the process by hand."
                    )
                time.sleep(0.02)
        if self._process:
            self._process.wait(TIMEOUT_SECONDS)

    def _serves(self) -> bool:
        """Return whether the state file belongs to this sandbox, not to a later one."""
        try:
            return bool(json.loads((self.home / STATE).read_bytes())["pid"] == self.pid)
        except FileNotFoundError:
            return False

    def __enter__(self) -> Self:
        """Return the sandbox itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the sandbox."""
        self.stop()

    def _call(self, method: str, path: str, content: Any = None) -> Any:
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with open_local_client(TIMEOUT_SECONDS, headers=CONTROL_HEADER) as http:
                reply = http.request(method, url, json=content)
        except TransportError as error:
            raise SandboxError(f"The sandbox of {self.home} does not respond: {error!r}") from error
        try:
            content = reply.json()
        except ValueError:
            raise SandboxError(f"{url} is not a sandbox: {reply.text[:200]!r}") from None
        if reply.is_error:
            raise SandboxError(f"{method} {path}: {content['error']}")
        return content


def _find_process(pid: int) -> psutil.Process | None:
    # psutil compares start times too: a later process may get the same pid
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid)
    return None


def _is_running(process: psutil.Process) -> bool:
    # a zombie has ended; its parent has not collected it yet
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
