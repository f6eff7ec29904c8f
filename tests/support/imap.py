"""A small IMAP server with one mailbox, as much of it as a reader of reports asks for."""

import re
import socketserver
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from urllib.parse import quote

USER, PASSWORD = "portal", "zażółć gęślą"


@dataclass
class Post:
    """The mailbox: its messages by UID, and which are seen.

    ``commands``: what was asked. ``upon``: what happens, once, when a command comes, before its answer.
    """

    port: int = 0
    messages: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)
    upon: dict[str, Callable[[], None]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"imap://{USER}:{quote(PASSWORD)}@127.0.0.1:{self.port}/INBOX?tls=off"

    def add(self, *contents: bytes) -> None:
        for content in contents:
            self.messages[len(self.messages) + 1] = content

    def unseen(self) -> list[int]:
        return [uid for uid in self.messages if uid not in self.seen]


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"* OK ready\r\n")
        for line in iter(self.rfile.readline, b""):
            tag, _, command = line.decode().strip().partition(" ")
            words = command.upper().split()
            name = " ".join(words[: 2 if words[0] == "UID" else 1])
            post: Post = self.server.post  # type: ignore[attr-defined]
            post.commands.append(name)
            post.upon.pop(name, lambda: None)()
            self.wfile.write(self.answer(post, name, command))
            refused = name == "AUTHENTICATE" and not self.signed_in()
            self.wfile.write(f"{tag} {'NO' if refused else 'OK'} done\r\n".encode())
            if name == "LOGOUT":
                return

    def signed_in(self) -> bool:
        return b64decode(self.rfile.readline()).decode() == f"\0{USER}\0{PASSWORD}"

    def answer(self, post: Post, name: str, command: str) -> bytes:
        number = int(found[1]) if (found := re.match(r"UID \w+ (\d+)", command)) else 0
        match name:
            case "CAPABILITY":
                return b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"
            case "AUTHENTICATE":
                return b"+ \r\n"
            case "SELECT":
                return b"* %d EXISTS\r\n" % len(post.messages)
            case "UID SEARCH":
                return f"* SEARCH {' '.join(map(str, post.unseen()))}\r\n".encode()
            case "UID FETCH":
                most = int(re.search(r"<0\.(\d+)>", command)[1])  # type: ignore[index]
                content = post.messages[number][:most]
                flags = b"\\Seen" if number in post.seen else b""
                head = b"* %d FETCH (UID %d FLAGS (%s) BODY[]<0> {%d}\r\n"
                return head % (number, number, flags, len(content)) + content + b")\r\n"
            case "UID STORE":
                post.seen.add(number)
        return b"* BYE\r\n" if name == "LOGOUT" else b""


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def imap_server() -> Iterator[Post]:
    with Server(("127.0.0.1", 0), Conversation) as server:
        server.post = post = Post(server.server_address[1])  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield post
        finally:
            server.shutdown()
