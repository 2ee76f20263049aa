"""Cancel running bulk statements when the process receives a signal."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from warehouse.connect.connections import cancel_bulk_statements
from warehouse.server.binaries import EmbeddedServerError
from warehouse.settings import Settings


@contextmanager
def cancel_queries_on_signal(settings: Settings) -> Iterator[None]:
    """Cancel bulk statements of this process on SIGTERM and SIGINT.

    During a bulk statement the driver does not return to Python, so no signal handler runs: a
    cancelled run would go on until its statement ends, or until it is killed. A thread therefore
    reads the signal from a socket and asks the server to cancel the statement.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Importing Polars sets SA_RESTART for SIGINT; undo it, or Ctrl-C would not wake blocked reads.
    signal.siginterrupt(signal.SIGINT, True)
    recv_sock, send_sock = socket.socketpair()
    send_sock.setblocking(False)
    previous_fd = signal.set_wakeup_fd(send_sock.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        while signal_byte := recv_sock.recv(1):
            if signal_byte[0] in (signal.SIGTERM, signal.SIGINT):
                with suppress(psycopg.Error, EmbeddedServerError):
                    cancel_bulk_statements(settings)

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous_fd)
        send_sock.close()
        thread.join()
        recv_sock.close()
