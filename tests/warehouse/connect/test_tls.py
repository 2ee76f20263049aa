"""Which DATABASE_URLs are refused before anything is sent, and what is asked of the others."""

import socket
import traceback
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from warehouse.connect.connections import connect
from warehouse.connect.dsn import InvalidDatabaseUrl, external_dsn
from warehouse.connect.tls import InsecureDatabase
from warehouse.settings import Settings


@pytest.fixture(autouse=True)
def no_libpq_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSSLMODE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


def mode(url: str) -> str | None:
    return parse_qs(urlsplit(external_dsn(url)).query).get("sslmode", [None])[0]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@127.0.0.1/d",
        "postgresql://u:p@127.8.8.8:6000/d?sslmode=disable",
        "postgresql://u:p@[::1]/d",
        "postgresql://u:p@localhost/d",
        "postgresql://u:p@/d?host=/var/run/postgresql",
        "postgresql://u:p@/d",
        "host=db.example.com hostaddr=127.0.0.1 user=u dbname=d",
    ],
)
def test_this_machine_is_left_as_it_is(url: str) -> None:
    assert mode(url) == ("disable" if "sslmode" in url else None)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@db.example.com/d",
        "postgresql+psycopg://u:p@db.example.com/d?sslmode=prefer",
        "postgresql://u:p@10.0.0.7/d",
        "postgresql://u:p@[2001:db8::1]/d",
        "postgresql://u:p@127.0.0.1,db.example.com/d",
        "host=localhost hostaddr=10.0.0.7 user=u dbname=d",
        "service=warehouse user=u",
    ],
)
def test_another_machine_is_asked_for_tls(url: str) -> None:
    assert mode(url) == "require"


@pytest.mark.parametrize("asked", ["require", "verify-ca", "verify-full"])
def test_a_stronger_mode_stays(asked: str) -> None:
    assert mode(f"postgresql://u:p@db.example.com/d?sslmode={asked}") == asked


@pytest.mark.parametrize("asked", ["disable", "allow"])
def test_a_weaker_mode_is_refused_and_the_password_not_told(asked: str) -> None:
    with pytest.raises(InsecureDatabase, match="sslmode=verify-full") as refused:
        external_dsn(f"postgresql://u:s3cret-word@db.example.com/d?sslmode={asked}")
    assert f"sslmode={asked}" in str(refused.value)
    assert "s3cret-word" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret%word@db.example.com/d",
        "postgresql://u:s3cret@word@db.example.com/d",
        "postgresql://u:s3cret/word@db.example.com/d",
        "mysql://u:s3cret@db.example.com/d",
        "s3cret",
    ],
)
def test_what_can_not_be_read_is_not_quoted(url: str) -> None:
    with pytest.raises(InvalidDatabaseUrl, match="percent-encoded") as refused:
        external_dsn(url)
    chain = "".join(traceback.format_exception(refused.value))
    assert not any(word in chain for word in ("s3cret", "word@db"))


def test_the_environment_of_libpq_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    assert mode("postgresql://u:p@/d") == "require"
    monkeypatch.setenv("PGSSLMODE", "disable")
    with pytest.raises(InsecureDatabase):
        external_dsn("postgresql://u:p@/d")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    # libpq reads it by itself
    assert mode("postgresql://u:p@/d") is None


def test_a_server_without_tls_is_never_told_the_password(tmp_path: Path) -> None:
    """It answers the request for TLS with a no; libpq hangs up."""
    address = "127."
    with suppress(socket.gaierror):  # where the machine's own name means nothing to it
        address = socket.gethostbyname(socket.gethostname())
    with socket.create_server(("0.0.0.0", 0)) as listener:
        if address.startswith("127."):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect(("192.0.2.1", 9))
                address = probe.getsockname()[0]
        port = listener.getsockname()[1]
        url = (
            f"postgresql://u:s3cret-word@{address}:{port}/d?connect_timeout=120&gssencmode=disable"
        )
        said = bytearray()

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                said.extend(peer.recv(4096))
                peer.sendall(b"N")
                while more := peer.recv(4096):
                    said.extend(more)

        from threading import Thread

        thread = Thread(target=answer)
        thread.start()
        settings = Settings(home=tmp_path, database_url=url)
        with pytest.raises(Exception, match="does not support SSL"), connect(settings, "owner"):
            pass
        thread.join()
    # the request for TLS, and nothing else
    assert bytes(said) == b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
