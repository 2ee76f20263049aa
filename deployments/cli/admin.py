"""Commands that keep the warehouse: backup and restore, new passwords, taking it all away."""

import secrets
import shutil
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from deployments.stack import prefect_server, stack
from warehouse.backup.backup import write_backup
from warehouse.backup.restore import restore_backup
from warehouse.base_error import RotationError
from warehouse.connect.connections import (
    Role,
    embedded_server,
    external_dsn,
    is_embedded,
    password_file,
    role_password,
    role_user,
)
from warehouse.schema.migrate import ensure_database_and_roles
from warehouse.schema.roles import RoleError, change_password
from warehouse.settings import Settings

# what the product keeps in its state folder; anything else there is somebody's own
MANAGED_PATHS = (
    *("postgres", "logs", "services", "prefect", "sandbox", "demo", "tapes", "cache", "sec"),
    *("origin", "postgres.lock"),
)


class StackRunning(RotationError):
    """Something runs that the command would pull the ground from under."""


def backup(
    target: Annotated[Path, typer.Argument(help="A file to write, or a folder to write one in.")],
) -> None:
    """Write the whole warehouse to one file, from one snapshot, while flows go on."""
    settings = stack.load_settings()
    console = Console()
    is_started = is_embedded(settings) and not embedded_server(settings).is_running()
    if is_started:
        embedded_server(settings).start()
    try:
        with console.status("Writing") as shown:
            file, manifest = write_backup(
                settings, target, lambda table: shown.update(f"Writing {table}")
            )
    finally:
        if is_started:
            embedded_server(settings).stop()
    rows = sum(member.rows for member in manifest.members)
    console.print(
        f"{file}: {rows:,} rows of {len(manifest.members)} tables, {file.stat().st_size:,} bytes, "
        f"as of {manifest.made_at}",
        soft_wrap=True,
        highlight=False,
    )


def restore(
    file: Annotated[Path, typer.Argument(help="What `rotation backup` wrote.")],
    overwrite: Annotated[
        bool, typer.Option(help="Replace a warehouse that is not empty, all of it.")
    ] = False,
) -> None:
    """Bring a backup back, into an empty warehouse unless told otherwise: wholly or not at all."""
    settings = stack.load_settings()
    if stack.is_worker_running(settings):
        raise StackRunning("A worker runs, and its flows would write meanwhile. First: make down")
    console = Console()
    with console.status("Reading") as shown:
        settings, manifest = restore_backup(
            settings, file, overwrite, lambda table: shown.update(f"Restoring {table}")
        )
    stack.save_origin(settings)
    rows = sum(member.rows for member in manifest.members)
    console.print(
        f"Restored {rows:,} rows of origin {manifest.origin}, as of {manifest.made_at}.",
        soft_wrap=True,
        highlight=False,
    )


def passwords() -> None:
    """Give every login a new password: the roles, Prefect's database, its UI, the superuser.

    Where a setting names one (ROTATION_READER_PASSWORD and the like), that becomes the password.
    """
    settings = stack.load_settings()
    if stack.is_worker_running(settings) or prefect_server.is_server_running(settings):
        raise StackRunning("Prefect runs and holds the passwords of now. First: make down")
    given = {"loader": settings.loader_password, "reader": settings.reader_password}
    roles: list[Role] = ["loader", "reader"]
    files = {role_user(role): password_file(settings, role) for role in roles if not given[role]}
    if is_embedded(settings):
        administrator = embedded_server(settings).start()
        files |= {role_user("owner"): password_file(settings, "owner")}
    else:
        assert settings.database_url is not None
        administrator = external_dsn(settings.database_url.get_secret_value())
    with psycopg.connect(administrator, autocommit=True) as connection:
        there = _logins(connection)
        try:
            for role in roles:
                if given[role] and role_user(role) in there:
                    change_password(connection, role_user(role), role_password(settings, role))
            for name, file in files.items():
                if name in there:
                    _rotate_password(connection, name, file)
        except psycopg.errors.InsufficientPrivilege as error:
            raise RoleError(
                f"The account of DATABASE_URL may not: {error.diag.message_primary}. Have an "
                "administrator run: alter role ... password '...', for rotation_loader and "
                "rotation_reader, and put the same into ROTATION_LOADER_PASSWORD and "
                "ROTATION_READER_PASSWORD."
            ) from None
    # the embedded server holds Prefect's data, wherever the warehouse is
    files = {prefect_server.PREFECT: settings.home / "prefect.password"}
    files |= {"postgres": settings.home / "postgres.password"}
    with psycopg.connect(embedded_server(settings).start(), autocommit=True) as connection:
        there = _logins(connection)
        for name, file in files.items():
            if name in there:
                _rotate_password(connection, name, file)
    (settings.home / "ui.password").unlink(missing_ok=True)
    ensure_database_and_roles(settings)
    print("All passwords are new. Hand the reader's to its users (rotation dsn), then: make up")


def _logins(connection: psycopg.Connection) -> set[str]:
    return {name for (name,) in connection.execute("select rolname from pg_roles")}


def _rotate_password(connection: psycopg.Connection, role: str, file: Path) -> None:
    """A new password in the server, then in the file; killed between, it is in `.new` beside it."""
    aside = file.with_name(f"{file.name}.new")
    aside.unlink(missing_ok=True)
    aside.touch(mode=0o600)
    aside.write_text(secrets.token_urlsafe(24))
    change_password(connection, role, aside.read_text())
    aside.rename(file)


def destroy(
    yes: Annotated[bool, typer.Option(help="Do not ask.")] = False,
) -> None:
    """Stop everything and delete this state folder's warehouse, passwords and logs, for good.

    A database of DATABASE_URL is left alone.
    """
    settings = Settings()
    data = embedded_server(settings).data
    if not yes:
        typer.confirm(f"Delete all of {settings.home} and {data}?", abort=True)
    stack.stop_all(settings)
    # behind a link where root's server can't reach the state folder
    shutil.rmtree(data, ignore_errors=True)
    ours = [settings.home / name for name in MANAGED_PATHS]
    for path in [*ours, *settings.home.glob("*.password"), *settings.home.glob("*.password.new")]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    left = sorted(path.name for path in settings.home.iterdir()) if settings.home.exists() else []
    if not left and settings.home.exists():
        settings.home.rmdir()
    print(f"Left in {settings.home}: {', '.join(left)}" if left else f"{settings.home} is gone.")
