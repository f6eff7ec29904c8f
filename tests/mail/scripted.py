"""A mail server that does what a test tells it at each step, on a real socket."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

CERTIFICATE = Path(__file__).parent / "localhost.pem"
# Instead of an answer: break the connection, or begin one that never ends, a line from time to time.
HANG_UP = ""
DRIP = "250-not the last line"
ANSWERS = {
    "GREETING": "220 hello",
    "EHLO": "250-hello\r\n250-AUTH PLAIN\r\n250 STARTTLS",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 welcome",
    "MAIL": "250 sender fine",
    "RCPT": "250 recipient fine",
    "DATA": "354 go ahead",
    "MESSAGE": "250 taken",
    "RSET": "250 forgotten",
    "QUIT": "221 bye",
}


@dataclass
class Script:
    """``said`` is every line a client said, in order; ``secured`` those said over TLS.

    ``next`` holds answers for a command in the order of use, before ``answers`` counts again.
    """

    port: int
    tls: bool = False
    answers: dict[str, str] = field(default_factory=lambda: dict(ANSWERS))
    next: dict[str, list[str]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    secured: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    connections: int = 0

    def answer(self, command: str) -> str:
        queue = self.next.get(command)
        return queue.pop(0) if queue else self.answers[command]


def say(connection: socket.socket, answer: str) -> None:
    connection.sendall(f"{answer}\r\n".encode())
    while answer == DRIP:
        sleep(0.2)
        connection.sendall(f"{answer}\r\n".encode())


def serve(script: Script, connection: socket.socket) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    if script.tls:
        connection = context.wrap_socket(connection, server_side=True)
    lines = connection.makefile("rb")
    connection.sendall(f"{script.answer('GREETING')}\r\n".encode())
    while line := lines.readline():
        text = line.decode().rstrip("\r\n")
        script.said.append(text)
        if isinstance(connection, ssl.SSLSocket):
            script.secured.append(text)
        command = text.split()[0].upper()
        answer = script.answer(command)
        if answer == HANG_UP:
            break
        say(connection, answer)
        if command == "STARTTLS":
            connection = context.wrap_socket(connection, server_side=True)
            lines = connection.makefile("rb")
        elif command == "DATA" and answer.startswith("354"):
            message = b""
            while not message.endswith(b"\r\n.\r\n"):
                message += lines.readline()
            script.messages.append(message)
            answer = script.answer("MESSAGE")
            if answer == HANG_UP:
                break
            say(connection, answer)
        elif command == "QUIT":
            break
    lines.close()
    connection.close()


@contextmanager
def scripted_server(*, tls: bool = False) -> Iterator[Script]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = Script(listener.getsockname()[1], tls)

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                script.connections += 1
                with suppress(OSError), connection:
                    serve(script, connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield script
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
