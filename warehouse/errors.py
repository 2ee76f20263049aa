"""Map database connection and disk-full errors to user-readable exceptions."""

import errno

import psycopg
from adbc_driver_postgresql import dbapi as adbc
from psycopg.conninfo import conninfo_to_dict

from warehouse.base_error import RotationError
from warehouse.connect.dsn import embedded_server, external_dsn, is_embedded
from warehouse.server.binaries import EmbeddedServerError
from warehouse.settings import Settings

NO_SPACE = "No space left on device"
# SQLSTATEs disk_full and io_error (a filesystem quota)
DISK_FULL_STATES = ("53100", "58030")
RETRY_HINT = "Nothing is half-loaded; the next run loads the rest."


class WarehouseUnavailable(RotationError):
    """The warehouse's server is down or its disk full; the message has no secret."""


class WarehouseDiskFull(WarehouseUnavailable):
    """The disk of the warehouse is full."""


class WarehouseConnectionLost(WarehouseUnavailable):
    """The connection to the warehouse was lost and could not be restored."""


def is_connection_error(error: BaseException) -> bool:
    """Return whether a connection failed or was lost for a cause that may be temporary."""
    if isinstance(error, EmbeddedServerError):
        return True
    if not isinstance(error, (psycopg.OperationalError, adbc.OperationalError)):
        return False
    code = error.sqlstate
    # shutdown, crash, startup; connection exceptions; no code if the network failed
    return code is None or code.startswith(("57P0", "08"))


def is_disk_full(error: BaseException) -> bool:
    """Return whether a disk was full, the server's or this machine's."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, (psycopg.Error, adbc.Error)) and (
        error.sqlstate in DISK_FULL_STATES or NO_SPACE in str(error)
    )


def to_user_error(error: BaseException, settings: Settings) -> WarehouseUnavailable | None:
    """Return an exception that says what failed, where and what to do; None for other errors."""
    if is_disk_full(error) and isinstance(error, OSError):
        return WarehouseDiskFull(
            f"The disk of {settings.home.absolute()} (ROTATION_HOME) is full: make room there. "
            + RETRY_HINT
        )
    # a server that cannot write its log crashes; its clients only see a lost connection
    if is_disk_full(error) or (is_connection_error(error) and _log_says_full(settings)):
        return WarehouseDiskFull(
            f"The disk of {_describe_server(settings)} is full: make room there. {RETRY_HINT}"
        )
    if is_connection_error(error):
        hint = "see its log"
        if is_embedded(settings):
            hint = f"see {embedded_server(settings).log_file}; if it is down, start it: make up"
        return WarehouseConnectionLost(
            f"The connection to {_describe_server(settings)} was lost and could not be restored: "
            f"{hint}. {RETRY_HINT}"
        )
    return None


def _describe_server(settings: Settings) -> str:
    if settings.database_url is None:
        return f"the embedded PostgreSQL in {embedded_server(settings).data}"
    conninfo = conninfo_to_dict(external_dsn(settings.database_url.get_secret_value()))
    host = conninfo.get("host") or conninfo.get("hostaddr") or "this machine"
    return f"the PostgreSQL of DATABASE_URL at {host}, port {conninfo.get('port') or 5432}"


def _log_says_full(settings: Settings) -> bool:
    if not is_embedded(settings):
        return False
    log = embedded_server(settings).log_file
    if not log.exists():
        return False
    with log.open("rb") as file:
        # enough for the messages since the last start
        file.seek(max(0, log.stat().st_size - 20_000))
        messages = file.read().decode(errors="replace")
    return NO_SPACE in messages.rpartition("starting PostgreSQL")[2]
