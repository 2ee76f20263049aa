"""The warehouse's database: start it on demand, and describe it in a libpq service file."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from warehouse.connect.connections import connect
from warehouse.connect.dsn import embedded_server, is_embedded, warehouse_dsn
from warehouse.schema.readers import repair_reader
from warehouse.server.binaries import EmbeddedServerError
from warehouse.settings import Settings

SERVICE = "rotation"
ORIGIN_FILE = "origin"
SERVICE_FILE = "pg_service.conf"


def start_database(settings: Settings, set_as_current: bool = True) -> None:
    """Start the embedded server, if used, and migrate the schema.

    Args:
        settings: Of the warehouse.
        set_as_current: Whether later commands use this warehouse's origin.
    """
    # Alembic, SQLAlchemy and the contracts take a second to import
    from warehouse.schema.migrate import ensure_up_to_date

    ensure_up_to_date(settings)
    if set_as_current:
        set_current(settings)


def set_current(settings: Settings) -> None:
    """Make this warehouse the one that later commands use."""
    save_origin(settings)
    write_service_file(settings)


def has_current_origin(settings: Settings) -> bool:
    """Return whether this state folder was used before, and so has a current warehouse."""
    return (settings.home / ORIGIN_FILE).exists()


def has_rows(settings: Settings) -> bool:
    """Return whether a run has ever loaded a row into this warehouse."""
    with connect(settings, "reader") as connection:
        found = connection.execute("select exists (select from audit.load where rows_new > 0)")
        row = found.fetchone()
    return bool(row and row[0])


def ensure_database_running(settings: Settings) -> bool:
    """Start the embedded server if it is used and down; return whether it was started.

    Raises:
        EmbeddedServerError: If the state folder has no server yet.
    """
    server = embedded_server(settings)
    if not is_embedded(settings) or server.is_running():
        repair_reader(settings)
        return False
    if not server.is_created():
        raise EmbeddedServerError(
            f"There is no warehouse in {server.home} yet. Create one: make up (live data) or "
            "make demo (offline)."
        )
    server.start()
    repair_reader(settings)
    write_service_file(settings)  # the port may be another one now
    return True


def load_settings(home: Path | None = None) -> Settings:
    """Return the settings with the origin that this state folder was last used for.

    `ROTATION_ORIGIN` in the environment takes precedence.
    """
    settings = Settings() if home is None else Settings(home=home)
    state = settings.home / ORIGIN_FILE
    if "ROTATION_ORIGIN" in os.environ or not state.exists():
        return settings
    return settings.model_copy(update={"origin": state.read_text().strip()})


def save_origin(settings: Settings) -> None:
    """Store the origin, so that later commands use its warehouse."""
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / ORIGIN_FILE).write_text(settings.origin)


def write_service_file(settings: Settings) -> Path:
    """Write the libpq service file of the built-in reader, with mode 0600.

    With it psql needs no password on its command line: `PGSERVICEFILE=... psql service=rotation`.

    Returns:
        The file. It is valid until the server's port or the role's password changes.
    """
    file = settings.home.absolute() / SERVICE_FILE
    write_service(file, conninfo_to_dict(warehouse_dsn(settings, "reader")))
    return file


def write_service(file: Path, parameters: Mapping[str, object]) -> None:
    """Write a libpq service file with mode 0600."""
    lines = [f"[{SERVICE}]", *(f"{name}={value}" for name, value in parameters.items())]
    partial = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write("\n".join([*lines, ""]))
    partial.rename(file)
