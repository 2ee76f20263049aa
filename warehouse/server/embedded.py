"""The embedded PostgreSQL: initdb, start and stop over a folder of PostgreSQL programs.

TCP on loopback with a SCRAM password, so that psql, drivers and GUIs connect as to any server.
The server survives the death of whoever started it, and recovers from its own.
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
    # a cancelled flow's statement ends with its client, not when it is done
    "client_connection_check_interval": "1000",
    "max_connections": "60",
    # every plan here is short; compiling it costs more than it saves
    "jit": "off",
}
# crash recovery of 4 GB of write-ahead log took 13 s on two cores that had nothing else to do
TIMEOUT_SECONDS = 300
# why a server does not start that will in a moment: processes of one that was killed are still
# ending, or another program took the port between our look at it and the server's use of it
TRANSIENT_START_ERRORS = ("pre-existing shared memory block", "Address already in use")
# what a server says, or the kernel for it, on its way down or up
TRANSIENT_CONNECT_ERRORS = (
    *("shutting down", "starting up", "recovery mode", "refused", "is not running"),
    *("closed the connection", "reset by peer"),
)
# above every system's largest process number
NO_PROCESS = 2**31 - 1


@dataclass(frozen=True)
class EmbeddedServer:
    """One embedded server, wholly below `home`.

    Attributes:
        home: The state folder; the data, the password file and the log are below it.
        programs: Folder of PostgreSQL programs; None: the wheel's.
    """

    home: Path
    programs: Path | None = None

    @property
    def log_file(self) -> Path:
        """Where the server writes."""
        return self.home / "logs" / "postgres.log"

    @property
    def data(self) -> Path:
        """The data folder, behind the link that stands where its account can't reach `home`."""
        return (self.home / "postgres").resolve()

    def password(self) -> str:
        """The superuser's password, made at the first call and kept in a file of mode 0600."""
        return get_or_create_secret(self.home / "postgres.password")

    def start(self) -> str:
        """Makes the server if there is none, starts it if it is down.

        Returns:
            The superuser's DSN of database `postgres`.

        Raises:
            EmbeddedServerError: with the end of the server's log.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with self._file_lock():
            if not (self.data / "PG_VERSION").exists():
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
        """Stops the server; True where it ran. Sessions are ended, transactions rolled back."""
        if not (self.data / "PG_VERSION").exists():
            return False
        with self._file_lock():
            lines = self._pid_file()
            if not self.is_running():
                return False
            timeout = str(TIMEOUT_SECONDS)
            self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", timeout)
            # pg_ctl looks for the pid file, which is gone a moment before the process is
            while self._is_own_postmaster(int(lines[0])):
                time.sleep(0.01)
        return True

    def is_running(self) -> bool:
        """Whether a server runs on the data folder. A left-over pid file counts for nothing."""
        first = self._pid_file()[:1]
        # pg_ctl would ask only whether there is a process of that number, zombies included
        return bool(first) and self._is_own_postmaster(int(first[0]))

    def _is_own_postmaster(self, process_id: int) -> bool:
        """Whether a process is the server on the data folder: numbers are given out again."""
        return f"postgres -D {self.data} " in process_command(process_id)

    def _accepts_connections(self) -> bool:
        """Whether a server runs, and is not on its way down or up."""
        try:
            psycopg.connect(self.dsn(), connect_timeout=10).close()
        except (psycopg.OperationalError, EmbeddedServerError) as refusal:
            # of anything else its clients shall hear
            return not any(words in str(refusal) for words in TRANSIENT_CONNECT_ERRORS)
        return True

    def _pid_file(self) -> list[str]:
        """The lines of the server's pid file; none where there is no file."""
        try:
            text = (self.data / "postmaster.pid").read_text()
        except FileNotFoundError:
            return []
        return [line.strip() for line in text.splitlines()]

    def dsn(self, database: str = "postgres") -> str:
        """The superuser's DSN.

        Raises:
            EmbeddedServerError: when the server does not run.
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
        # an initdb that was interrupted leaves a folder that is neither empty nor a server's
        new = data.with_name(f"{data.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if account is not None:
            os.chown(new, account.pw_uid, account.pw_gid)
        password = self.password()
        # initdb reads the password from a file that its account can open, and that is gone after
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
        """Takes the number of a process that is no server out of a left-over pid file.

        The server would take the process for another server. The file itself must stay: by its
        shared-memory key the server sees whether processes of the killed one are still writing.
        """
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists():
            number, *rest = pid_file.read_text().split("\n", 1)
            if number and rest:
                pid_file.write_text(f"{NO_PROCESS}\n{rest[0]}")

    def _start(self) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while said := self._try_to_start(free_port(preferred=self._last_port())):
            if time.monotonic() > deadline or not any(
                words in said for words in TRANSIENT_START_ERRORS
            ):
                raise self._failure(said)
            time.sleep(0.1)

    def _failure(self, said: str) -> EmbeddedServerError:
        return EmbeddedServerError(
            f"The embedded PostgreSQL in {self.data} did not start. "
            f"The end of {self.log_file}:\n{said[-2000:]}"
        )

    def _try_to_start(self, port: int) -> str:
        """Nothing where the server runs then; else what it said."""
        self._clear_stale_pid()
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        options = SERVER_SETTINGS | {"port": str(port)}
        # the server's account need not be able to write below home: the log is opened here
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
        return self.log_file.read_bytes()[before:].decode(errors="replace") or "nothing"

    def _last_port(self) -> int | None:
        # the fourth line of postmaster.pid; while the server is down, the last one it had
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
        """The folder of PostgreSQL programs: the setting, the wheel's, the machine's own."""
        return find_postgres_bin(self.programs)

    def _major_version(self) -> int:
        said = self._run("postgres", "--version").stdout.split()[-1]
        return int("".join(c for c in said.split(".")[0] if c.isdigit()))

    def _create_data_folder(self, account: pwd.struct_passwd | None) -> Path:
        if account is None:
            self.data.mkdir(mode=0o700, exist_ok=True)
            return self.data
        if all(parent.stat().st_mode & 0o001 for parent in self.home.resolve().parents) and (
            self.home.stat().st_mode & 0o001
        ):
            folder = self.data
        else:
            # a private folder above (root's own home, say) is not opened to others: the data
            # goes where the account can reach, and a link says where
            link = self.home / "postgres"
            # a name of its own: a state folder that was moved away still has its data behind its
            # link when another takes its place
            folder = self.data if link.is_symlink() else SHARED_DIR / secrets.token_hex(8)
            folder.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            if folder.exists():
                shutil.rmtree(folder)  # what an interrupted start left
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
            # the server must not die of the Ctrl-C meant for whoever started it
            start_new_session=True,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            # root's supplementary groups must not stay with the server
            extra_groups=None if account is None else [],
        )
        if check and done.returncode != 0:
            raise EmbeddedServerError(f"{program} failed in {self.home}: {done.stdout}")
        return done

    @contextmanager
    def _file_lock(self) -> Iterator[None]:
        """Two processes that start at once wait for one another."""
        with (self.home / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
