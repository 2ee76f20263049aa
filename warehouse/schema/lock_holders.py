"""Find the sessions that hold locks on tables and views of the warehouse."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from warehouse.connect.dsn import READER_GROUP


@dataclass(frozen=True)
class LockHolder:
    """Describe one session with an open transaction on tables or views of the warehouse."""

    pid: int
    user: str
    state: str
    since: datetime
    is_reader: bool

    def __str__(self) -> str:
        """Return the session in words."""
        return (
            f"session {self.pid} of {self.user} ({self.state}, in a transaction since "
            f"{self.since:%Y-%m-%d %H:%M} UTC)"
        )


def lock_holders(connection: Connection) -> list[LockHolder]:
    """Return the other sessions that hold locks on the warehouse, the oldest transaction first.

    Args:
        connection: Of the owner. Without `pg_read_all_stats` states and times are unknown.
    """
    rows = connection.execute(
        """
        select
            holder.pid, holder.usename, coalesce(holder.state, 'state unknown'),
            coalesce(min(holder.xact_start), now()) at time zone 'UTC',
            exists (
                select from pg_auth_members
                join pg_roles as login on login.oid = member
                where roleid = to_regrole(%s) and login.rolname = holder.usename
                    and not login.rolsuper and not login.rolcreaterole
            )
        from pg_locks as held
        join pg_stat_activity as holder using (pid)
        join pg_class as relation on relation.oid = held.relation
        join pg_namespace as room on room.oid = relation.relnamespace
        join pg_database as place on place.oid = held.database
        where held.granted and held.pid <> pg_backend_pid()
            and place.datname = current_database()
            and room.nspname in ('audit', 'core', 'derived', 'history', 'published', 'as_of')
        group by holder.pid, holder.usename, holder.state
        order by 4
        """,
        (READER_GROUP,),
    ).fetchall()
    return [LockHolder(*row) for row in rows]
