"""Open HTTP clients; the one module that imports httpx, so that it can be replaced here."""

import os
import socket
import ssl
from collections.abc import Mapping
from functools import cache

import httpx

Client = httpx.Client
Response = httpx.Response
# a request without a complete reply, or raise_for_status on an unsuccessful one
HttpError = httpx.HTTPError
# a request without a complete reply
TransportError = httpx.TransportError
# writes one line per request
LOGGER_NAME = "httpx"
_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
# Without certificates: httpx otherwise reads all public ones for each client.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def open_client(
    timeout_seconds: float,
    *,
    headers: Mapping[str, str] | None = None,
    follow_redirects: bool = False,
    login: str | None = None,
) -> Client:
    """Open a client that uses the proxy and certificates of the environment.

    Args:
        timeout_seconds: For connecting and for each wait for data.
        headers: Sent with each request.
        follow_redirects: Whether a redirect is followed.
        login: User and password of basic authentication, as user:password.
    """
    return httpx.Client(
        timeout=timeout_seconds,
        headers=dict(headers or {}),
        follow_redirects=follow_redirects,
        auth=_basic(login),
        verify=_public_certificates(*map(os.environ.get, _CERTIFICATE_VARIABLES)),
    )


@cache
def _public_certificates(*_: str | None) -> ssl.SSLContext:
    """Read the certificates that the environment names, once for all clients and proxies."""
    return httpx.create_ssl_context()


def open_local_client(
    timeout_seconds: float, *, headers: Mapping[str, str] | None = None, login: str | None = None
) -> Client:
    """Open a client of a service on this machine: plain HTTP, without the providers' proxy."""
    return httpx.Client(
        timeout=timeout_seconds,
        headers=dict(headers or {}),
        auth=_basic(login),
        trust_env=False,
        verify=_NO_TLS,
    )


def _basic(login: str | None) -> tuple[str, str] | None:
    name, _, password = (login or "").partition(":")
    return (name, password) if password else None


def error_reason(error: HttpError) -> str:
    """Return the reason code of a request without a complete reply."""
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ProxyError):
        return "proxy"
    if isinstance(error, httpx.DecodingError):
        return "truncated"
    if isinstance(error, httpx.RemoteProtocolError):
        # h11's messages if the body ends before its Content-Length
        is_short = "complete message body" in str(error) or "incomplete chunked" in str(error)
        return "truncated" if is_short else "connection_reset"
    if isinstance(error, httpx.ConnectError):
        if "SSL" in str(error):
            return "tls"
        return "dns" if _is_dns_error(error) else "connection_refused"
    return "connection_reset" if isinstance(error, httpx.NetworkError) else "connection_failed"


def _is_dns_error(error: BaseException | None) -> bool:
    """Return whether an error began with a host name that could not be resolved."""
    while error is not None and not isinstance(error, socket.gaierror):
        error = error.__cause__ or error.__context__
    return error is not None
