"""No password and no row travels in the clear: TLS to every database on another machine."""

from collections.abc import Mapping
from ipaddress import ip_address

from psycopg.pq import Conninfo

from warehouse.base_error import RotationError

ENCRYPTED = ("require", "verify-ca", "verify-full")
# what libpq does when nobody said anything: TLS if the server offers it, else in the clear
UNSET_SSLMODES = ("", "prefer")


class InsecureDatabase(RotationError):
    """DATABASE_URL would let passwords travel in the clear; the message says what to set."""


def require_tls(conninfo: Mapping[str, str]) -> dict[str, str]:
    """Connection words of libpq, with `sslmode` at least `require` where a host is remote.

    Sockets and loopback addresses are left as they are. libpq's own environment (`PGHOST`,
    `PGSSLMODE` and the like) counts where the words say nothing.

    Raises:
        InsecureDatabase: when a weaker mode is asked for; nothing has been connected to then.
    """
    defaults = {
        each.keyword.decode(): each.val.decode() for each in Conninfo.get_defaults() if each.val
    }
    meant = {**defaults, **conninfo}
    hosts = (meant.get("hostaddr") or meant.get("host") or "").split(",")
    # a service file may name any host
    remote = [host for host in hosts if not _is_local(host)] or (
        [f"the service {meant['service']}"] if "service" in meant else []
    )
    mode = meant.get("sslmode", "")
    if not remote or mode in ENCRYPTED:
        return dict(conninfo)
    if mode not in UNSET_SSLMODES:
        raise InsecureDatabase(
            f"DATABASE_URL goes to {remote[0]} with sslmode={mode}: password and rows could be "
            "read on the way. Say sslmode=verify-full with the server's certificate authority "
            "in sslrootcert (recommended), or at least sslmode=require."
        )
    return {**conninfo, "sslmode": "require"}


def _is_local(host: str) -> bool:
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
