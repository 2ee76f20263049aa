"""Limit the requests to a provider, per process or for all processes of a warehouse."""

import threading
import time
from functools import cache

from psycopg import Connection, Cursor, OperationalError
from pyrate_limiter import Limiter, Rate, StateBucket, TokenBucket

from tasks.extract.provider.errors import throttled
from warehouse.connect.connections import open_autocommit_connection
from warehouse.errors import is_connection_error
from warehouse.settings import Settings

ACQUIRE_SQL = """
insert into audit.rate_limit as stored (provider, next_request_at, blocked_until)
values (%(name)s, clock_timestamp() + %(interval)s * interval '1 second', 'epoch')
on conflict (provider) do update
set next_request_at =
    greatest(stored.next_request_at, clock_timestamp()) + %(interval)s * interval '1 second'
returning
    extract(epoch from next_request_at - clock_timestamp())::double precision - %(interval)s,
    extract(epoch from blocked_until - clock_timestamp())::double precision
"""
PAUSE_SQL = """
insert into audit.rate_limit as stored (provider, next_request_at, blocked_until)
values (%(name)s, clock_timestamp(), clock_timestamp() + %(seconds)s * interval '1 second')
on conflict (provider) do update
set blocked_until = greatest(stored.blocked_until, excluded.blocked_until)
"""
REMAINING_PAUSE_SQL = """
select extract(epoch from blocked_until - clock_timestamp())::double precision
from audit.rate_limit where provider = %(name)s
"""


class RateLimiter:
    """Limit the requests to one provider for all threads of this process.

    A process is enough for a provider whose runs hold its run lock, see `tasks.run.context`.
    """

    def __init__(self, requests_per_second: float) -> None:
        """Start without a pause; the first request need not wait."""
        # Burst 1: FRED refuses two requests at the same time although it allows 120 a minute.
        rate = Rate(1, max(1, round(1000 / requests_per_second)), burst=1)
        self._limiter = Limiter(StateBucket([rate], algorithm=TokenBucket()), buffer_ms=0)
        self._lock = threading.Lock()
        self._paused_until = 0.0

    def acquire(self) -> None:
        """Wait until the next request may be sent."""
        self._limiter.try_acquire("request")

    def pause(self, seconds: float) -> None:
        """Block new attempts for so many seconds."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def remaining_pause(self) -> float:
        """Return the seconds until attempts may start again; 0 if they may now."""
        with self._lock:
            return max(0.0, self._paused_until - time.monotonic())


@cache
def get_rate_limiter(name: str, requests_per_second: float) -> RateLimiter:
    """Return the limiter of this provider and rate, one per process."""
    return RateLimiter(requests_per_second)


class PostgresRateLimiter(RateLimiter):
    """Limit the requests to one provider for all processes, and remember its pause.

    `audit.rate_limit` has one row per provider. Acquiring a request is one update that advances
    `next_request_at`, so that all threads, workers and machines share one rate. pyrate-limiter's
    bucket for Postgres creates its table at run time, which the loader role may not do, and has
    no pause.
    """

    def __init__(self, name: str, requests_per_second: float, settings: Settings) -> None:
        """Open a connection of its own."""
        super().__init__(requests_per_second)
        self._name = name
        self._interval_seconds = 1 / requests_per_second
        self._settings = settings
        self._is_closed = False
        self._connection = self._open()

    def acquire(self) -> None:
        """Wait until the next request may be sent.

        Raises:
            FetchError: The provider was paused meanwhile: the request must not be sent.
        """
        wait, pause = self._query_seconds(ACQUIRE_SQL, interval=self._interval_seconds)
        if wait:
            time.sleep(wait)
            pause = self.remaining_pause()
        if pause:
            raise throttled(
                f"Not sent: requests to {self._name} are paused for another {pause:.0f} seconds.",
                reason="cooldown",
                retry_after_seconds=pause,
            )

    def pause(self, seconds: float) -> None:
        """Block new attempts of all processes for so many seconds."""
        self._execute(PAUSE_SQL, seconds=seconds)

    def remaining_pause(self) -> float:
        """Return the seconds until attempts may start again; 0 if they may now."""
        (pause,) = self._query_seconds(REMAINING_PAUSE_SQL)
        return pause

    def _query_seconds(self, query: str, **parameters: float) -> list[float]:
        row = self._execute(query, **parameters).fetchone() or (0.0,)
        return [max(0.0, seconds) for seconds in row]

    def _execute(self, query: str, **parameters: float) -> Cursor:
        """Execute a statement, again on a new connection if the first was lost."""
        bound = {"name": self._name, **parameters}
        with self._lock:
            try:
                return self._connection.execute(query, bound)
            except OperationalError as error:
                if self._is_closed or not is_connection_error(error):
                    raise
            # if the lost statement took effect, its repetition costs one interval
            self._connection.close()
            self._connection = self._open()
            return self._connection.execute(query, bound)

    def _open(self) -> Connection:
        connection = open_autocommit_connection(self._settings)
        # rows lost in a server crash cost nothing, so no request waits for the disk
        connection.execute("set synchronous_commit = off")
        return connection

    def close(self) -> None:
        """Close the connection; an abandoned thread opens no other."""
        with self._lock:
            self._is_closed = True
            self._connection.close()
