"""What befalls a database and is nobody's mistake here: gone, or full; told in words."""

import errno

import psycopg
from adbc_driver_postgresql import dbapi as adbc
from psycopg.conninfo import conninfo_to_dict

from warehouse.base_error import RotationError
from warehouse.connect.dsn import embedded_server, external_dsn, is_embedded
from warehouse.server.binaries import EmbeddedServerError
from warehouse.settings import Settings

NO_SPACE = "No space left on device"
# disk_full, and what a quota of a filesystem gives
FULL = ("53100", "58030")
RETRY_HINT = "Nothing is half-loaded, and the next run brings what this one did not."


class WarehouseUnavailable(RotationError):
    """The warehouse's server is gone or full; the message is for people and holds no secret."""


class WarehouseDiskFull(WarehouseUnavailable):
    """There is no room on the disk that holds the warehouse."""


class WarehouseConnectionLost(WarehouseUnavailable):
    """The connection to the warehouse was lost and did not come back."""


def is_connection_error(error: BaseException) -> bool:
    """Whether a connection ended, or there was none, for a cause that may pass."""
    if isinstance(error, EmbeddedServerError):
        return True
    if not isinstance(error, (psycopg.OperationalError, adbc.OperationalError)):
        return False
    code = error.sqlstate
    # shutdown, crash, starting up; connection exceptions; none where the line itself broke
    return code is None or code.startswith(("57P0", "08"))


def is_disk_full(error: BaseException) -> bool:
    """Whether the server, or this machine, had no room for what was to be written."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, (psycopg.Error, adbc.Error)) and (
        error.sqlstate in FULL or NO_SPACE in str(error)
    )


def to_user_error(error: BaseException, settings: Settings) -> WarehouseUnavailable | None:
    """The sentence for an error: what, where, what to do; None where it is of another kind."""
    if is_disk_full(error) and isinstance(error, OSError):
        return WarehouseDiskFull(
            f"The disk of {settings.home.absolute()} (ROTATION_HOME) is full: make room there. "
            + RETRY_HINT
        )
    # a server that can't write its log dies of it: all that its clients see is a lost line
    if is_disk_full(error) or (is_connection_error(error) and _log_says_full(settings)):
        return WarehouseDiskFull(
            f"The disk of {_where(settings)} is full: make room there. {RETRY_HINT}"
        )
    if is_connection_error(error):
        start = (
            "see its log"
            if not is_embedded(settings)
            else (
                f"see {embedded_server(settings).log_file}, and start it where it is down (make up)"
            )
        )
        return WarehouseConnectionLost(
            f"The connection to {_where(settings)} was lost and did not come back: {start}. "
            f"{RETRY_HINT}"
        )
    return None


def _where(settings: Settings) -> str:
    if settings.database_url is None:
        return f"the embedded PostgreSQL in {embedded_server(settings).data}"
    words = conninfo_to_dict(external_dsn(settings.database_url.get_secret_value()))
    place = words.get("host") or words.get("hostaddr") or "this machine"
    return f"the PostgreSQL of DATABASE_URL at {place}, port {words.get('port') or 5432}"


def _log_says_full(settings: Settings) -> bool:
    if not is_embedded(settings):
        return False
    log = embedded_server(settings).log_file
    if not log.exists():
        return False
    with log.open("rb") as file:
        # what the server said since it was started last, at most
        file.seek(max(0, log.stat().st_size - 20_000))
        said = file.read().decode(errors="replace")
    return NO_SPACE in said.rpartition("starting PostgreSQL")[2]
