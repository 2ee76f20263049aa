"""Require TLS for connections to databases on other machines."""

from collections.abc import Mapping
from ipaddress import ip_address

from psycopg.pq import Conninfo

from warehouse.base_error import RotationError

ENCRYPTED = ("require", "verify-ca", "verify-full")
# sslmode left to libpq's default: TLS if the server offers it, else unencrypted
UNSET_SSLMODES = ("", "prefer")


class InsecureDatabase(RotationError):
    """DATABASE_URL would send passwords unencrypted; the message says what to set."""


def require_tls(conninfo: Mapping[str, str]) -> dict[str, str]:
    """Return libpq's conninfo with `sslmode` at least `require` for remote hosts.

    Sockets and loopback addresses stay unchanged. Parameters missing in `conninfo` come from
    libpq's environment variables (`PGHOST`, `PGSSLMODE` and others).

    Raises:
        InsecureDatabase: `conninfo` sets a weaker mode; no connection has been opened.
    """
    defaults = {
        each.keyword.decode(): each.val.decode() for each in Conninfo.get_defaults() if each.val
    }
    effective = {**defaults, **conninfo}
    hosts = (effective.get("hostaddr") or effective.get("host") or "").split(",")
    # a service file may name any host
    remote = [host for host in hosts if not _is_local(host)] or (
        [f"the service {effective['service']}"] if "service" in effective else []
    )
    mode = effective.get("sslmode", "")
    if not remote or mode in ENCRYPTED:
        return dict(conninfo)
    if mode not in UNSET_SSLMODES:
        raise InsecureDatabase(
            f"DATABASE_URL connects to {remote[0]} with sslmode={mode}, which may be unencrypted. "
            "Set sslmode=verify-full with the server's certificate authority in sslrootcert "
            "(recommended), or at least sslmode=require."
        )
    return {**conninfo, "sslmode": "require"}


def _is_local(host: str) -> bool:
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
