"""HTTPS proxy that terminates TLS, replies from mock providers and never connects out."""

import asyncio
import logging
import socket
import ssl
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import unquote

import h11
import trustme

from deployments.sandbox.providers.messages import Reply, Request, html_reply
from deployments.sandbox.providers.yahoo.routes import redirect_to_consent
from deployments.sandbox.wire.control import SandboxState, control
from deployments.sandbox.wire.faults import apply_fault

LOOPBACK = "127.0.0.1"
CHUNK = 65_536
HTTP_REASONS = {status.value: status.phrase for status in HTTPStatus}
CONNECTION_ERRORS = (ConnectionError, ssl.SSLError, h11.RemoteProtocolError, TimeoutError)

logger = logging.getLogger(__name__)


class Proxy:
    """Serves one sandbox on one loopback port."""

    def __init__(self, world: SandboxState, authority: trustme.CA) -> None:
        """Create the certificate of all providers.

        Args:
            world: What is served.
            authority: Signs the certificate.
        """
        self._world = world
        self._tls = _server_context(authority.issue_cert(*world.hosts))
        self._expired_tls = _server_context(
            authority.issue_cert(
                *world.hosts,
                not_before=datetime(2019, 1, 1, tzinfo=UTC),
                not_after=datetime(2020, 1, 1, tzinfo=UTC),
            )
        )
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Start to listen.

        Args:
            port: 0 takes a free one.

        Returns:
            The port.
        """
        self._server = await asyncio.start_server(self._accept, LOOPBACK, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and close all connections, including hanging ones."""
        if self._server:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._handle_connection(_HttpConnection(reader, writer), host=None)
        except CONNECTION_ERRORS as error:
            logger.info("A client closed its connection: %r", error)
        except asyncio.CancelledError:
            logger.debug("connection dropped: the sandbox stops")
        finally:
            self._open.discard(task)
            writer.close()

    async def _handle_connection(self, wire: "_HttpConnection", host: str | None) -> None:
        """Handle the requests of a connection; within a tunnel, host is its target."""
        while (request := await wire.receive(host)) is not None:
            if request.method == "CONNECT":
                await self._tunnel(wire, request)
                return
            if host is None:
                await wire.send(control(self._world, request))
            else:
                await self._serve(wire, request)
            if not wire.start_next_cycle():
                return

    async def _tunnel(self, wire: "_HttpConnection", request: Request) -> None:
        host, _, port = request.path.rpartition(":")
        if host not in self._world.hosts or port != "443":
            self._world.record(request)["status"] = 403
            logger.warning("refused CONNECT %s: no stand-in for it", request.path)
            text = f"The sandbox stands in for {sorted(self._world.hosts)} and dials nobody."
            await wire.send(html_reply(403, "Forbidden", text))
            return
        fault = self._world.faults.take(Request("CONNECT", host, ""), is_tunnel=True)
        try:
            inner = await wire.start_tls(self._expired_tls if fault else self._tls)
        except CONNECTION_ERRORS as error:
            logger.warning(
                "TLS with a client for %s failed: %r. Does it trust our CA?", host, error
            )
            return
        await self._handle_connection(inner, host)

    async def _serve(self, wire: "_HttpConnection", request: Request) -> None:
        entry = self._world.record(request)
        fault = self._world.faults.take(request)
        reply = self._world.hosts[request.host](request, self._world.now)
        if fault:
            entry["fault"] = fault.kind
            if fault.kind == "hang":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "reset":
                await wire.reset_connection(reply)
                return
            elif fault.kind == "consent":
                reply = redirect_to_consent(request)
            reply = apply_fault(fault, request, reply)
        entry["status"] = reply.status
        ahead = timedelta(seconds=fault.seconds if fault and fault.kind == "skewed_date" else 0)
        date = format_datetime(self._world.now.astimezone(UTC) + ahead, usegmt=True)
        await wire.send(replace(reply, headers=(*reply.headers, ("Date", date))))


def _server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    context.set_alpn_protocols(["http/1.1"])
    return context


class _HttpConnection:
    """HTTP/1.1 over one stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.SERVER)

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(CHUNK))
        return event  # type: ignore[return-value]

    async def receive(self, host: str | None) -> Request | None:
        """Read a request; return None if the client disconnected."""
        head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        body = b""
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
        path, _, query = head.target.decode("latin-1").partition("?")
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        method = head.method.decode()
        return Request(method, host or "", unquote(path), query, headers, body)

    async def send(self, reply: Reply) -> None:
        """Write a complete reply."""
        self._writer.write(self._head(reply))
        self._writer.write(self._http.send(h11.Data(reply.body)) or b"")
        self._writer.write(self._http.send(h11.EndOfMessage()) or b"")
        await self._writer.drain()

    def start_next_cycle(self) -> bool:
        """Prepare for the next request; return False if the connection closes."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def start_tls(self, context: ssl.SSLContext) -> "_HttpConnection":
        """Accept a CONNECT and switch to TLS."""
        self._writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await self._writer.start_tls(context)
        return _HttpConnection(self._reader, self._writer)

    async def reset_connection(self, reply: Reply) -> None:
        """Send half of a reply and reset the connection."""
        self._writer.write(self._head(reply) + reply.body[: len(reply.body) // 2])
        await self._writer.drain()
        # The receiver discards data that arrives together with the reset.
        await asyncio.sleep(0.05)
        # With a linger time of 0, closing sends RST in place of FIN.
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def _head(self, reply: Reply) -> bytes:
        headers = [("Content-Length", str(len(reply.body))), ("Server", "ATS"), *reply.headers]
        if reply.body:
            headers.insert(0, ("Content-Type", reply.content_type))
        response = h11.Response(
            status_code=reply.status,
            headers=headers,
            reason=HTTP_REASONS.get(reply.status, ""),
        )
        return self._http.send(response) or b""
