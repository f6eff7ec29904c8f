"""A mail server that counts the mails that it took, by recipient: a lean process of its own.

A message counts once its final dot has arrived, whether or not its sender hears of it.
"""

import asyncio
import multiprocessing
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized

END = b"\r\n.\r\n"
# The beginning of a recipient's address decides the server's answer.
LATER, NEVER = "later.", "never."


@dataclass(frozen=True)
class Sink:
    """The running server, for its parent."""

    port: int
    count: "Synchronized[int]"
    line: Connection

    def taken(self) -> dict[str, list[str]]:
        """Ask for the Message-IDs of all messages taken, by recipient."""
        self.line.send("report")
        answer: dict[str, list[str]] = self.line.recv()
        return answer


@contextmanager
def counting_sink(drop: float = 0.0) -> Iterator[Sink]:
    """Run a server. ``drop``: the share of messages after whose final dot it hangs up without a word."""
    here, there = multiprocessing.Pipe()
    count: Synchronized[int] = multiprocessing.Value("l", 0)
    process = multiprocessing.Process(target=serve, args=(there, count, drop), daemon=True)
    process.start()
    try:
        yield Sink(here.recv(), count, here)
    finally:
        process.kill()
        process.join()


def serve(line: Connection, count: "Synchronized[int]", drop: float) -> None:
    asyncio.run(listen(line, Books(count, drop)))


class Books:
    """The server's memory and behaviour, shared by all connections."""

    def __init__(self, count: "Synchronized[int]", drop: float) -> None:
        self.count = count
        self.drop = drop
        self.taken: dict[str, list[str]] = defaultdict(list)
        self.asked: set[str] = set()

    def enter(self, recipient: str, message: bytes) -> None:
        headers = message.partition(b"\r\n\r\n")[0].decode()
        ids = [line[12:] for line in headers.split("\r\n") if line.startswith("Message-ID: ")]
        self.taken[recipient].append(ids[0])
        self.count.value += 1

    def answer(self, recipient: str) -> str:
        if recipient.startswith(NEVER):
            return "550 no such person"
        if recipient.startswith(LATER) and recipient not in self.asked:
            self.asked.add(recipient)
            return "451 come back later"
        return "250 known"


class Conversation(asyncio.Protocol):
    """One connection, command by command."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.waiting = b""
        self.recipient = ""
        self.in_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.say("220 ready")

    def say(self, reply: str) -> None:
        self.transport.write(f"{reply}\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while (END if self.in_message else b"\r\n") in self.waiting:
            if self.in_message:
                message, _, self.waiting = self.waiting.partition(END)
                self.in_message = False
                self.take(message)
            else:
                line, _, self.waiting = self.waiting.partition(b"\r\n")
                self.obey(line.decode())

    def take(self, message: bytes) -> None:
        hangs_up = random.random() < self.books.drop
        # Half of the connections that hang up have kept the message, and half have not.
        if not hangs_up or random.random() < 0.5:
            self.books.enter(self.recipient, message)
        if hangs_up:
            self.transport.abort()
        else:
            self.say("250 taken")

    def obey(self, line: str) -> None:
        match line[:4].upper():
            case "RCPT":
                self.recipient = line.partition("<")[2].partition(">")[0]
                self.say(self.books.answer(self.recipient))
            case "DATA":
                self.in_message = True
                self.say("354 go on")
            case "QUIT":
                self.say("221 bye")
                self.transport.close()
            case _:
                self.say("250 fine")


async def listen(line: Connection, books: Books) -> None:
    loop = asyncio.get_running_loop()

    def report() -> None:
        line.recv()
        line.send(dict(books.taken))

    loop.add_reader(line.fileno(), report)
    server = await loop.create_server(lambda: Conversation(books), "127.0.0.1", 0)
    line.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
