"""Administration commands: backup, restore, password rotation and deletion.

Commands import what loads pandas or Alembic themselves, since that takes a second or two.
"""

import secrets
import shutil
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from deployments.stack import prefect_server, stack
from deployments.stack.database import (
    SERVICE_FILE,
    load_settings,
    save_origin,
    write_service_file,
)
from warehouse.base_error import RotationError
from warehouse.connect.dsn import (
    Role,
    embedded_server,
    external_dsn,
    is_embedded,
    password_file,
    role_password,
    role_user,
)
from warehouse.schema.roles import RoleError, change_password
from warehouse.settings import Settings

# files and folders that `destroy` deletes from the state folder; others belong to the user
MANAGED_PATHS = (
    *("postgres", "logs", "services", "prefect", "sandbox", "demo", "tapes", "cache", "sec"),
    *("reports", "origin", "postgres.lock", "readers", SERVICE_FILE),
)


class StackRunning(RotationError):
    """A service runs that has to be stopped before the command."""


def backup(
    target: Annotated[Path, typer.Argument(help="New file, or a folder for it.")],
) -> None:
    """Write the warehouse to one file, from one snapshot; flows may keep running."""
    from warehouse.backup.backup import write_backup

    settings = load_settings()
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
    file: Annotated[Path, typer.Argument(help="File written by `rotation backup`.")],
    overwrite: Annotated[bool, typer.Option(help="Replace a warehouse that is not empty.")] = False,
) -> None:
    """Restore a backup (atomic) into an empty warehouse, or any with --overwrite."""
    from warehouse.backup.restore import restore_backup

    settings = load_settings()
    if stack.is_worker_running(settings):
        raise StackRunning(
            "The worker is running, and its flows write to the warehouse. Stop it first: make down"
        )
    console = Console()
    with console.status("Reading") as shown:
        settings, manifest = restore_backup(
            settings, file, overwrite, lambda table: shown.update(f"Restoring {table}")
        )
    save_origin(settings)
    rows = sum(member.rows for member in manifest.members)
    console.print(
        f"Restored {rows:,} rows of origin {manifest.origin}, as of {manifest.made_at}.",
        soft_wrap=True,
        highlight=False,
    )


def rotate_passwords() -> None:
    """Rotate the passwords of all roles, of Prefect's database and UI, and of the superuser.

    A password in a setting, such as ROTATION_READER_PASSWORD, is applied instead of a new one.
    """
    from warehouse.schema.migrate import ensure_database_and_roles

    settings = load_settings()
    if stack.is_worker_running(settings) or prefect_server.is_server_running(settings):
        raise StackRunning(
            "Prefect is running with the current passwords. Stop it first: make down"
        )
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
        logins = _logins(connection)
        try:
            for role in roles:
                if given[role] and role_user(role) in logins:
                    change_password(connection, role_user(role), role_password(settings, role))
            for name, file in files.items():
                if name in logins:
                    _rotate_password(connection, name, file)
        except psycopg.errors.InsufficientPrivilege as error:
            raise RoleError(
                "The account of DATABASE_URL cannot change passwords "
                f"({error.diag.message_primary}). Ask an administrator to run: alter role ... "
                f"password '...', for {role_user('loader')} and {role_user('reader')}, and set "
                "ROTATION_LOADER_PASSWORD and ROTATION_READER_PASSWORD to the new ones."
            ) from None
    # Prefect's data are in the embedded server, even if the warehouse is not
    files = {prefect_server.PREFECT: settings.home / "prefect.password"}
    files |= {"postgres": settings.home / "postgres.password"}
    with psycopg.connect(embedded_server(settings).start(), autocommit=True) as connection:
        logins = _logins(connection)
        for name, file in files.items():
            if name in logins:
                _rotate_password(connection, name, file)
    (settings.home / "ui.password").unlink(missing_ok=True)
    ensure_database_and_roles(settings)
    write_service_file(settings)
    print("All passwords rotated, except those of `rotation reader add`. Next: make up")


def _logins(connection: psycopg.Connection) -> set[str]:
    return {name for (name,) in connection.execute("select rolname from pg_roles")}


def _rotate_password(connection: psycopg.Connection, role: str, file: Path) -> None:
    """Change a password in the server, then in its file; if killed between, it is in `.new`."""
    new_file = file.with_name(f"{file.name}.new")
    new_file.unlink(missing_ok=True)
    new_file.touch(mode=0o600)
    new_file.write_text(secrets.token_urlsafe(24))
    change_password(connection, role, new_file.read_text())
    new_file.rename(file)


def destroy(
    yes: Annotated[bool, typer.Option(help="Skip confirmation.")] = False,
) -> None:
    """Stop all services and delete this state folder's warehouse, passwords and logs.

    An external database (DATABASE_URL) is not changed.
    """
    settings = Settings()
    data = embedded_server(settings).data
    if not yes:
        typer.confirm(f"Delete all of {settings.home} and {data}?", abort=True)
    stack.stop_all(settings)
    # the data folder may be behind a link
    shutil.rmtree(data, ignore_errors=True)
    managed = [settings.home / name for name in MANAGED_PATHS]
    managed += [*settings.home.glob("*.password"), *settings.home.glob("*.password.new")]
    for path in managed:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    left = sorted(path.name for path in settings.home.iterdir()) if settings.home.exists() else []
    if not left and settings.home.exists():
        settings.home.rmdir()
    kept = f"; not deleted: {', '.join(left)}" if left else ""
    print(f"Deleted {settings.home}{kept}.")
