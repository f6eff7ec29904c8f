"""A lean SMTP server that takes everything, the same for everybody who is measured against it."""

import asyncio
import sys


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
            self.transport.write(self.answer(head))

    def answer(self, line: bytes) -> bytes:
        if self.in_data:
            self.in_data = False
            return b"250 taken\r\n"
        word = line[:4].upper()
        if word == b"DATA":
            self.in_data = True
            return b"354 go on\r\n"
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
