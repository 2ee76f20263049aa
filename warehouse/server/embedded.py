"""Create, start and stop the embedded PostgreSQL server.

It listens on loopback TCP with SCRAM passwords, so psql, drivers and GUIs connect as to any server.
It keeps running when the process that started it ends, and recovers after a crash.
"""

import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from warehouse.server.binaries import (
    SHARED_DIR,
    EmbeddedServerError,
    find_postgres_bin,
    make_executable_by_all,
    process_command,
    server_account,
)
from warehouse.server.local import free_port, get_or_create_secret, make_dsn

SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    # bulk loads would otherwise checkpoint every second or so
    "max_wal_size": "4GB",
    "wal_compression": "on",
    # cancel a running statement when its client disconnects
    "client_connection_check_interval": "1000",
    "max_connections": "60",
    # compiling costs more than it saves on these short plans
    "jit": "off",
}
# crash recovery of 4 GB of write-ahead log took 13 s on two idle cores
TIMEOUT_SECONDS = 300
# transient start errors: leftover processes of a killed server, or the port was taken in between
TRANSIENT_START_ERRORS = ("pre-existing shared memory block", "Address already in use")
# errors of connections to a server that is starting or stopping
TRANSIENT_CONNECT_ERRORS = (
    *("shutting down", "starting up", "recovery mode", "refused", "is not running"),
    *("closed the connection", "reset by peer"),
)
# above the largest process number of every system
NO_PROCESS = 2**31 - 1


@dataclass(frozen=True)
class EmbeddedServer:
    """One embedded server, stored below `home`.

    Attributes:
        home: The state folder with the data, the password file and the log.
        programs: Folder of PostgreSQL binaries; None: the Python package's.
    """

    home: Path
    programs: Path | None = None

    @property
    def log_file(self) -> Path:
        """Return the log file of the server."""
        return self.home / "logs" / "postgres.log"

    @property
    def data(self) -> Path:
        """Return the data folder, behind a link if the server's account cannot reach `home`."""
        return (self.home / "postgres").resolve()

    def password(self) -> str:
        """Return the superuser's password, created at the first call."""
        return get_or_create_secret(self.home / "postgres.password")

    def start(self) -> str:
        """Start the server unless it runs, and create it first if there is none.

        Returns:
            The superuser's DSN of database `postgres`.

        Raises:
            EmbeddedServerError: If it does not start; with the end of the server's log.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with self._file_lock():
            if not self.is_created():
                self._initialise()
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while not self._accepts_connections():
                if time.monotonic() > deadline:
                    raise self._failure(self.log_file.read_text(errors="replace"))
                if not self.is_running():
                    self._start()
                time.sleep(0.02)
        return self.dsn()

    def stop(self) -> bool:
        """Stop the server and return True if it ran; open transactions are rolled back."""
        if not self.is_created():
            return False
        with self._file_lock():
            lines = self._pid_file()
            if not self.is_running():
                return False
            timeout = str(TIMEOUT_SECONDS)
            self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", timeout)
            # pg_ctl waits for the pid file to go, a moment before the process ends
            while self._is_own_postmaster(int(lines[0])):
                time.sleep(0.01)
        return True

    def is_created(self) -> bool:
        """Return whether the data folder has been initialised."""
        return (self.data / "PG_VERSION").exists()

    def is_running(self) -> bool:
        """Return whether a server runs on the data folder; a stale pid file does not count."""
        first = self._pid_file()[:1]
        # pg_ctl only checks that a process of this number exists, even a zombie
        return bool(first) and self._is_own_postmaster(int(first[0]))

    def _is_own_postmaster(self, process_id: int) -> bool:
        """Return whether a process is the server of this data folder; pids are reused."""
        program, *arguments = process_command(process_id) or [""]
        return Path(program).name == "postgres" and arguments[:2] == ["-D", str(self.data)]

    def _accepts_connections(self) -> bool:
        """Return whether the server runs and is neither starting nor stopping."""
        try:
            psycopg.connect(self.dsn(), connect_timeout=10).close()
        except (psycopg.OperationalError, EmbeddedServerError) as error:
            # clients report every other error themselves
            return not any(text in str(error) for text in TRANSIENT_CONNECT_ERRORS)
        return True

    def _pid_file(self) -> list[str]:
        """Return the lines of the pid file; empty if there is no file."""
        try:
            text = (self.data / "postmaster.pid").read_text()
        except FileNotFoundError:
            return []
        return [line.strip() for line in text.splitlines()]

    def dsn(self, database: str = "postgres") -> str:
        """Return the superuser's DSN.

        Raises:
            EmbeddedServerError: If the server does not run.
        """
        port = self._last_port()
        if port is None or not self.is_running():
            raise EmbeddedServerError(
                f"The embedded PostgreSQL in {self.home} is not running. Start it: make up"
            )
        return make_dsn("postgres", self.password(), port, database)

    def _initialise(self) -> None:
        account = server_account()
        data = self._create_data_folder(account)
        # initialise a new folder and rename it, since an interrupted initdb leaves a partial one
        new = data.with_name(f"{data.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if account is not None:
            os.chown(new, account.pw_uid, account.pw_gid)
        password = self.password()
        # initdb reads the password from a file that its account can open; deleted below
        password_file = data.parent / f".initial-{secrets.token_hex(8)}"
        password_file.touch(mode=0o600)
        try:
            password_file.write_text(password)
            if account is not None:
                os.chown(password_file, account.pw_uid, account.pw_gid)
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if self._major_version() < 17:
                locale = ["--locale=C.UTF-8"]
            self._run(
                "initdb",
                *("-D", str(new), "-U", "postgres", "--encoding=UTF8", *locale),
                *("--auth=scram-sha-256", f"--pwfile={password_file}", "--data-checksums"),
            )
        finally:
            password_file.unlink()
        shutil.rmtree(data)
        new.rename(data)

    def _clear_stale_pid(self) -> None:
        """Replace the process number in a stale pid file by one that no process has.

        PostgreSQL would mistake a process of that number for a running server. The file itself must
        stay: its shared-memory key shows whether processes of a killed server are still writing.
        """
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists():
            number, *rest = pid_file.read_text().split("\n", 1)
            if number and rest:
                pid_file.write_text(f"{NO_PROCESS}\n{rest[0]}")

    def _start(self) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while log := self._try_to_start(free_port(preferred=self._last_port())):
            is_transient = any(text in log for text in TRANSIENT_START_ERRORS)
            if time.monotonic() > deadline or not is_transient:
                raise self._failure(log)
            time.sleep(0.1)

    def _failure(self, log: str) -> EmbeddedServerError:
        return EmbeddedServerError(
            f"The embedded PostgreSQL in {self.data} did not start. "
            f"The end of {self.log_file}:\n{log[-2000:]}"
        )

    def _try_to_start(self, port: int) -> str:
        """Start the server; return its log output if that failed, else an empty string."""
        self._clear_stale_pid()
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        options = SERVER_SETTINGS | {"port": str(port)}
        # opened here, since the server's account may not be able to write below home
        with self.log_file.open("ab") as log:
            before = log.tell()
            done = self._run(
                "pg_ctl",
                *("start", "-D", str(self.data), "-w", "-t", str(TIMEOUT_SECONDS)),
                *("-o", " ".join(f"-c {name}='{value}'" for name, value in options.items())),
                check=False,
                output=log,
            )
        if done.returncode == 0:
            return ""
        return self.log_file.read_bytes()[before:].decode(errors="replace") or "(empty)"

    def _last_port(self) -> int | None:
        # line 4 of postmaster.pid; if the server is down, the option of its last start
        lines = self._pid_file()
        options = self.data / "postmaster.opts"
        if len(lines) > 3 and lines[3].isdigit():
            return int(lines[3])
        if options.exists():
            for word in options.read_text().split('"'):
                if word.startswith("port="):
                    return int(word.removeprefix("port=").strip("'"))
        return None

    def program_folder(self) -> Path:
        """Return the folder of the PostgreSQL binaries."""
        return find_postgres_bin(self.programs)

    def _major_version(self) -> int:
        version = self._run("postgres", "--version").stdout.split()[-1]
        return int("".join(c for c in version.split(".")[0] if c.isdigit()))

    def _create_data_folder(self, account: pwd.struct_passwd | None) -> Path:
        if account is None:
            self.data.mkdir(mode=0o700, exist_ok=True)
            return self.data
        if all(parent.stat().st_mode & 0o001 for parent in self.home.resolve().parents) and (
            self.home.stat().st_mode & 0o001
        ):
            folder = self.data
        else:
            # the state folder is below a private one (root's home, for example): the data goes to
            # a folder that the account can reach, with a link to it
            link = self.home / "postgres"
            # a random name, since a state folder that was moved away keeps its data
            folder = self.data if link.is_symlink() else SHARED_DIR / secrets.token_hex(8)
            folder.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            if folder.exists():
                shutil.rmtree(folder)  # left by an interrupted start
            link.unlink(missing_ok=True)
            link.symlink_to(folder)
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, account.pw_uid, account.pw_gid)
        return folder

    def _run(
        self, program: str, *arguments: str, check: bool = True, output: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[str]:
        account = server_account()
        folder = (
            self.program_folder()
            if account is None
            else make_executable_by_all(self.program_folder())
        )
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "LANG": "C"}
        done = subprocess.run(
            [str(folder / program), *arguments],
            env=environment,
            cwd="/",
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal that started the server must not stop it
            start_new_session=True,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            # drop root's supplementary groups
            extra_groups=None if account is None else [],
        )
        if check and done.returncode != 0:
            raise EmbeddedServerError(f"{program} failed in {self.home}: {done.stdout}")
        return done

    @contextmanager
    def _file_lock(self) -> Iterator[None]:
        """Serialize processes that start or stop the server at the same time."""
        with (self.home / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
