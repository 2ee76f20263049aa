"""A provider's pace that all processes of a warehouse share, and a pause that outlives them.

One row of `audit.rate_limit` per provider: a turn is a single update that moves the next one on,
so that
threads, workers and machines take turns in the order in which the database serves them.
pyrate-limiter's bucket for Postgres would do the first half, but makes its table at run time, which
the loader may not, and knows no pause.
"""

import threading
import time
from types import TracebackType
from typing import Self

from psycopg import Connection, Cursor, OperationalError

from tasks.extract.provider.policy import FetchError, RateLimiter
from warehouse.connect.connections import open_autocommit_connection
from warehouse.errors import is_connection_error
from warehouse.settings import Settings

ACQUIRE_SQL = """
insert into audit.rate_limit as held (provider, next_request_at, blocked_until)
values (%(name)s, clock_timestamp() + %(step)s * interval '1 second', 'epoch')
on conflict (provider) do update
set next_request_at =
    greatest(held.next_request_at, clock_timestamp()) + %(step)s * interval '1 second'
returning extract(epoch from next_request_at - clock_timestamp())::double precision - %(step)s
"""
PAUSE = """
insert into audit.rate_limit as held (provider, next_request_at, blocked_until)
values (%(name)s, clock_timestamp(), clock_timestamp() + %(seconds)s * interval '1 second')
on conflict (provider) do update
set blocked_until = greatest(held.blocked_until, excluded.blocked_until)
"""
REMAINING_PAUSE_SQL = """
select extract(epoch from blocked_until - clock_timestamp())::double precision
from audit.rate_limit where provider = %(name)s
"""


class PostgresRateLimiter(RateLimiter):
    """The pace of one provider, shared by whatever runs on this warehouse."""

    def __init__(self, name: str, requests_per_second: float, settings: Settings) -> None:
        """Open the connection that asks for turns."""
        super().__init__(requests_per_second)
        self._name = name
        self._interval_seconds = 1 / requests_per_second
        self._settings = settings
        self._lock = threading.Lock()
        self._is_closed = False
        self._connection = self._open()

    def acquire(self) -> None:
        """Wait until one more request may be sent.

        Raises:
            Fault: The provider was paused meanwhile: the request must not be sent.
        """
        wait = self._ask(ACQUIRE_SQL, step=self._interval_seconds)
        if wait > 0:
            time.sleep(wait)
        if pause := self.remaining_pause():
            raise FetchError(
                "throttled",
                "cooldown",
                f"Not sent: no request goes to {self._name} for another {pause:.0f} seconds.",
                is_retryable=True,
                retry_after_seconds=pause,
            )

    def pause(self, seconds: float) -> None:
        """Let nobody start another attempt for so many seconds, in whatever process."""
        self._send(PAUSE, seconds=seconds)

    def remaining_pause(self) -> float:
        """Seconds until attempts may start again; 0 when they may."""
        return max(0.0, self._ask(REMAINING_PAUSE_SQL))

    def _ask(self, query: str, **parameters: float) -> float:
        row = self._send(query, **parameters).fetchone()
        return 0.0 if row is None else float(row[0])

    def _send(self, query: str, **parameters: float) -> Cursor:
        """Sends a statement; once more on a new connection where the one before was lost."""
        asked = {"name": self._name, **parameters}
        with self._lock:
            try:
                return self._connection.execute(query, asked)
            except OperationalError as error:
                if self._is_closed or not is_connection_error(error):
                    raise
            # a turn or a pause that was taken twice costs a moment
            self._connection.close()
            self._connection = self._open()
            return self._connection.execute(query, asked)

    def _open(self) -> Connection:
        connection = open_autocommit_connection(self._settings)
        # a turn lost in a crash costs nothing, and the disk is not waited for at each request
        connection.execute("set synchronous_commit = off")
        return connection

    def __enter__(self) -> Self:
        """Return the provider itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close its connection; a thread that was left behind opens no other."""
        with self._lock:
            self._is_closed = True
            self._connection.close()
