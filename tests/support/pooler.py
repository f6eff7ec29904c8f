"""A small pooler for PostgreSQL, as pgbouncer in transaction mode: each transaction has the next of a few."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from select import select
from threading import Thread

PLAIN_ONLY, CANCEL = {80877103, 80877104}, 80877102
CONNECTIONS = 3
# Messages of a client upon which the server says when it is ready again.
ANSWERED = b"QS"


class Side:
    """One end of a conversation, taken apart into its messages."""

    def __init__(self, line: socket.socket) -> None:
        self.line, self.rest = line, b""
        # Messages are short, and each is waited for.
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        return self.line.fileno()

    def opening(self) -> bytes:
        """Read the first message of a client, the only one without a kind; answer no to those about encryption."""
        while True:
            message = self.line.recv(4, socket.MSG_WAITALL)
            message += self.line.recv(int.from_bytes(message) - 4, socket.MSG_WAITALL)
            code = int.from_bytes(message[4:8])
            if code == CANCEL:
                return b""
            if code not in PLAIN_ONLY:
                return message
            self.line.sendall(b"N")

    def messages(self) -> Iterator[bytes]:
        """Wait for more, and yield what has come as a whole. Raises ConnectionError at the end."""
        part = self.line.recv(65_536)
        if not part:
            raise ConnectionError
        self.rest += part
        while len(self.rest) > 4 and len(self.rest) > (end := int.from_bytes(self.rest[1:5])):
            message, self.rest = self.rest[: end + 1], self.rest[end + 1 :]
            yield message


class Pooler:
    """It hears at ``port`` on loopback, and talks with the server at another one."""

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.idle: SimpleQueue[Side] = SimpleQueue()
        self.greeting: list[bytes] = []
        self.lines: list[socket.socket] = [self.listener]

    def run(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self.listener.accept()
                self.lines.append(line)
                Thread(target=self.serve, args=(Side(line),), daemon=True).start()

    def connect(self, opening: bytes) -> None:
        """Make the connections to the server, with the wishes of the first client."""
        for _ in range(CONNECTIONS):
            server = Side(socket.create_connection(("127.0.0.1", self.server_port)))
            self.lines.append(server.line)
            server.line.sendall(opening)
            said: list[bytes] = []
            while not said or said[-1][:1] != b"Z":
                said += server.messages()
            self.greeting = [one for one in said if one[:1] in b"RS"]
            self.idle.put(server)

    def serve(self, client: Side) -> None:
        # The end closes all lines, and select() refuses a closed one by a ValueError.
        with suppress(OSError, ValueError), client.line:
            if opening := client.opening():
                if not self.greeting:
                    self.connect(opening)
                key = struct.pack("!cI8s", b"K", 12, os.urandom(8))
                client.line.sendall(b"".join([*self.greeting, key, b"Z\0\0\0\5I"]))
                while True:
                    self.relay(client)

    def relay(self, client: Side) -> None:
        """Hand messages to and fro until no transaction is open. Raises ConnectionError if the client leaves."""
        server: Side | None = None
        awaited, finished = 0, False
        while not finished:
            sides = [client, *filter(None, [server])]
            for side in select(sides, [], [])[0]:
                for message in side.messages():
                    if side is server:
                        client.line.sendall(message)
                        awaited -= message[:1] == b"Z"
                        finished = message[:1] == b"Z" and message[5:] == b"I" and not awaited
                        continue
                    if message[:1] == b"X":
                        raise ConnectionError
                    server = server or self.idle.get()
                    server.line.sendall(message)
                    awaited += message[:1] in ANSWERED
                    finished = False
        assert server
        self.idle.put(server)


@contextmanager
def pooler(server_port: int) -> Iterator[int]:
    """A pooler in front of a server; yields its own port."""
    made = Pooler(server_port)
    thread = Thread(target=made.run)
    thread.start()
    try:
        yield made.port
    finally:
        for line in made.lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        thread.join()
