"""Starts, finds, steers and stops a sandbox; for the command line and the tests."""

import json
import os
import signal
import ssl
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from deployments.sandbox.launch import STATE, SandboxError, instant_text, launch
from deployments.stack.processes import process_identity

CONTROL_HEADER = {"X-Rotation-Sandbox": "1"}
# for one that shares its machine with much else
TIMEOUT_SECONDS = 60
# Control is plain HTTP on the loopback address. A context that trusts nobody spares httpx from
# reading all public certificates for each call.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Sandbox:
    """A running sandbox.

    Attributes:
        home: The folder that it keeps its files in.
        port: Of its proxy and control, on the loopback address.
        pid: Of its process.
        ca_bundle: The certificates that clients have to trust.
        tape: The name of the tape that it replays.
        kind: Of the tape: real or simulated.
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
        """Start a sandbox in a process of its own and wait until it answers.

        Args:
            tape: The folder to replay.
            home: The folder for the sandbox's files; one sandbox a folder.
            clock: Where its clock starts; the tape's own instant by default.
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
                raise SandboxError(f"A sandbox runs in {home} already (process {running.pid}).")
        start_at = None if clock is None else instant_text(clock)
        process = launch(Path(tape).resolve(), home, start_at, timeout)
        sandbox = cls.attach(home)
        sandbox._process = process
        return sandbox

    @classmethod
    def attach(cls, home: Path) -> Self:
        """Find the sandbox that runs in a home.

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
        """Tell the variables that point the providers' clients at this sandbox.

        Returns:
            What to add to a process's environment before it imports the clients.
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
        """Tell the sandbox's clock."""
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
        """Script a fault behind those that wait already.

        Args:
            kind: One of faults.KINDS.
            host: A regular expression to be found in the host; like path and query.
            path: As host.
            query: As host.
            count: How many requests it befalls; None for all until the faults are cleared.
            **options: The kind's own: status, body, content_type, headers, seconds, bytes, rows.
        """
        where = {"host": host, "path": path, "query": query}
        self._call("POST", "/faults", {"kind": kind, "count": count} | where | options)

    def clear_faults(self) -> None:
        """Drop the faults that wait."""
        self._call("DELETE", "/faults")

    def requests(self) -> list[dict[str, Any]]:
        """Tell the requests so far: time, method, host, path, query, status and fault of each."""
        entries: list[dict[str, Any]] = self._call("GET", "/requests")
        return entries

    def clear_requests(self) -> None:
        """Empty the log of requests."""
        self._call("DELETE", "/requests")

    def stop(self) -> None:
        """Stop the process and wait for its end; nothing happens when it has ended already.

        Raises:
            SandboxError: When it does not end.
        """
        if self._serves():  # otherwise it is ending already, and needs no second signal
            # the number alone may be another process's in a moment
            began = process_identity(self.pid)
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while began and process_identity(self.pid) == began:
                if time.monotonic() > deadline:
                    who = f"The sandbox of {self.home} (process {self.pid})"
                    raise SandboxError(f"{who} does not end.")
                time.sleep(0.02)
        if self._process:
            self._process.wait(TIMEOUT_SECONDS)

    def _serves(self) -> bool:
        """Tell whether the state file in the home is this sandbox's, not a later one's."""
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
        """Stop it."""
        self.stop()

    def _call(self, method: str, path: str, content: Any = None) -> Any:
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            # trust_env=False: the variables that we hand out must not send this to the proxy.
            with httpx.Client(
                trust_env=False, verify=NO_TLS, timeout=TIMEOUT_SECONDS, headers=CONTROL_HEADER
            ) as http:
                reply = http.request(method, url, json=content)
        except httpx.TransportError as error:
            raise SandboxError(f"The sandbox of {self.home} does not answer: {error!r}") from error
        try:
            content = reply.json()
        except ValueError:
            raise SandboxError(f"{url} is not a sandbox: {reply.text[:200]!r}") from None
        if reply.is_error:
            raise SandboxError(f"{method} {path}: {content['error']}")
        return content
