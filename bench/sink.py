"""A lean SMTP server that takes everything, the same for everybody who is measured against it.

    python -m bench.sink 5

It answers the end of each message after so many milliseconds.
"""

import asyncio
import sys

SECONDS = int(sys.argv[1]) / 1000


class Sink(asyncio.Protocol):
    """A conversation that answers like a server and forgets everything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""
        self.in_data = False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            end = b"\r\n.\r\n" if self.in_data else b"\r\n"
            head, found, rest = self.buffer.partition(end)
            if not found:
                return
            self.buffer = rest
            write = self.write_late if self.in_data and SECONDS else self.transport.write
            write(self.answer(head))

    def write_late(self, answer: bytes) -> None:
        asyncio.get_running_loop().call_later(SECONDS, self.transport.write, answer)

    def answer(self, line: bytes) -> bytes:
        if self.in_data:
            self.in_data = False
            return b"250 taken\r\n"
        word = line[:4].upper()
        if word == b"DATA":
            self.in_data = True
            return b"354 go on\r\n"
        if word == b"EHLO":
            return b"250-sink\r\n250 PIPELINING\r\n"
        if word == b"QUIT":
            return b"221 bye\r\n"
        return b"250 sink\r\n"


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Until the process that started it closes its input.
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
