"""Control interface: clock, faults and request log of a running sandbox."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from deployments.sandbox.providers.fred import routes as fred
from deployments.sandbox.providers.ishares import routes as ishares
from deployments.sandbox.providers.messages import Reply, Request, json_reply
from deployments.sandbox.providers.sec import routes as sec
from deployments.sandbox.providers.tiingo import routes as tiingo
from deployments.sandbox.providers.yahoo import routes as yahoo
from deployments.sandbox.tape.records import parse_instant
from deployments.sandbox.tape.tape import Tape
from deployments.sandbox.wire.faults import Faults, parse_fault

GUARD = "x-rotation-sandbox"
LOG_LENGTH = 100_000

RequestHandler = Callable[[Request, datetime], Reply]


@dataclass
class SandboxState:
    """State of a running sandbox."""

    tape: Tape
    now: datetime
    pid: int
    hosts: dict[str, RequestHandler] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))

    def __post_init__(self) -> None:
        """Map each provider's host names to its mock."""
        stand_ins = (
            (yahoo, yahoo.Yahoo),
            (fred, fred.Fred),
            (ishares, ishares.IShares),
            (sec, sec.Sec),
            (tiingo, tiingo.Tiingo),
        )
        for module, mock_provider in stand_ins:
            self.hosts |= dict.fromkeys(module.HOSTS, mock_provider(self.tape).handle)

    def record(self, request: Request) -> dict[str, Any]:
        """Add a request to the log.

        Args:
            request: The request; the value of an api_key is not kept.

        Returns:
            The entry, for its status and fault to be filled in.
        """
        query = request.query
        if "api_key" in query:
            pairs = parse_qsl(query, keep_blank_values=True)
            hidden = [(name, "REDACTED" if name == "api_key" else value) for name, value in pairs]
            query = urlencode(hidden, safe=",:/")
        entry = {
            "time": iso(datetime.now(UTC)),
            "method": request.method,
            "host": request.host,
            "path": request.path,
            "query": query,
            "status": None,
            "fault": None,
        }
        self.log.append(entry)
        return entry


def iso(instant: datetime) -> str:
    """Format a timestamp in UTC with a Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def control(world: SandboxState, request: Request) -> Reply:
    """Reply to a request to the control interface.

    Args:
        world: The running sandbox.
        request: Not through the proxy, but to it.

    Returns:
        JSON.
    """
    # A page in a browser can reach this port: by a name that it made resolve to the loopback
    # address, or by a form. It can neither forge the Host header nor add its own header.
    name = request.headers.get("host", "").rpartition(":")[0]
    if name not in ("127.0.0.1", "localhost"):
        return _refuse(403, "The Host must be 127.0.0.1 or localhost.")
    if request.method != "GET" and request.headers.get(GUARD) != "1":
        return _refuse(403, "Send the header X-Rotation-Sandbox: 1 to change anything.")
    try:
        return _route(world, request)
    except (ValueError, TypeError, KeyError) as error:
        return _refuse(400, f"{type(error).__name__}: {error}")


def _route(world: SandboxState, request: Request) -> Reply:
    tape = world.tape
    match request.method, request.path:
        case "GET", "/health":
            facts = {"status": "ok", "pid": world.pid, "tape": tape.name, "kind": tape.kind}
            return json_reply(200, facts | {"now": iso(world.now)})
        case "PUT", "/clock":
            world.now = parse_instant(orjson.loads(request.body)["now"])
            return json_reply(200, {"now": iso(world.now)})
        case "GET", "/clock":
            return json_reply(200, {"now": iso(world.now)})
        case "POST", "/faults":
            world.faults.add(parse_fault(orjson.loads(request.body)))
            return json_reply(201, {})
        case "DELETE", "/faults":
            world.faults.clear()
            return json_reply(200, {})
        case "GET", "/requests":
            return json_reply(200, list(world.log))
        case "DELETE", "/requests":
            world.log.clear()
            return json_reply(200, {})
    return _refuse(404, f"There is no {request.method} {request.path} here.")


def _refuse(status: int, text: str) -> Reply:
    return json_reply(status, {"error": text})
