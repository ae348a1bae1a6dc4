# SPDX-License-Identifier: Apache-2.0
"""A long thin line to a server on this machine: a TCP proxy that delays what passes.

Prints its port, serves until its standard input ends; on a port that was named, until it is killed.
The handshake of TCP, which the kernel does at once here, is paid for as well: what a client sends
first waits for one way there and back more.
"""
import argparse
import asyncio
import random
import socket
import struct
import sys
import threading

PIECE = 4096
BREAK = object()


class Line:
    """One direction of the line, shared by all connections: when what is sent arrives."""

    def __init__(self, delay, rate):
        self.delay = delay
        self.rate = rate
        self.free_at = 0

    def arrival(self, count):
        now = asyncio.get_running_loop().time()
        if not self.rate:
            return now + self.delay
        self.free_at = max(now, self.free_at) + count * 8 / self.rate
        return self.free_at + self.delay


class Proxy:
    def __init__(self, options):
        self.options = options
        delay = options.delay / 1000
        self.up, self.down = Line(delay, options.rate), Line(delay, options.rate)
        self.chance = random.Random(options.seed)
        self.connections = 0

    async def take(self, reader, writer):
        options = self.options
        first = await reader.read(PIECE)
        if not first:
            return writer.close()
        self.connections += 1
        number = self.connections
        breaks_at = None
        if options.break_bytes:
            breaks_at = self.chance.expovariate(1 / options.break_bytes)
        stalls_at = options.stall_bytes if number == options.stall else None
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", options.server)
        except OSError:
            return writer.close()
        up = self.pass_on(reader, far_writer, self.up, options.delay / 500, first)
        down = self.pass_on(far_reader, writer, self.down, 0, None, breaks_at, stalls_at)
        await asyncio.gather(up, down)

    async def pass_on(self, reader, writer, line, wait, data=None, breaks_at=None, stalls_at=None):
        """Reads at once, writes when it is due; what is on its way is bounded as on a real line."""
        queue = asyncio.Queue(64 if line.rate else 1024)
        sender = asyncio.create_task(self.send(queue, writer))
        passed = 0
        try:
            while data := data or await reader.read(PIECE if line.rate else 1 << 16):
                passed += len(data)
                if breaks_at is not None and passed > breaks_at:
                    await queue.put((line.arrival(0), BREAK))
                    break
                if stalls_at is not None and passed > stalls_at:
                    await asyncio.sleep(3600)
                await queue.put((line.arrival(len(data)) + wait, data))
                wait, data = 0, None
        except OSError:
            pass
        await queue.put((line.arrival(0), None))
        await sender

    async def send(self, queue, writer):
        loop = asyncio.get_running_loop()
        try:
            while True:
                due, data = await queue.get()
                if (left := due - loop.time()) > 0:
                    await asyncio.sleep(left)
                if data is None:
                    break
                if data is BREAK:
                    self.reset(writer)
                    break
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()
        while not queue.empty():
            queue.get_nowait()

    @staticmethod
    def reset(writer):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


async def serve(options):
    place = ("127.0.0.1", options.listen)
    server = await asyncio.start_server(Proxy(options).take, *place, limit=1 << 18)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def wait():
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    if not options.listen:
        threading.Thread(target=wait, daemon=True).start()
    await ended.wait()


parser = argparse.ArgumentParser()
parser.add_argument("server", type=int, help="port of the server")
parser.add_argument("--listen", type=int, default=0, help="on this port")
parser.add_argument("--delay", type=float, default=50, help="milliseconds each way")
parser.add_argument("--rate", type=float, default=0, help="bit/s of the line each way; 0: no limit")
parser.add_argument("--break-bytes", type=float, default=0,
                    help="a connection is reset after about so many bytes of the server's")
parser.add_argument("--stall", type=int, default=0, help="number of a connection that stops")
parser.add_argument("--stall-bytes", type=int, default=65536, help="after so many bytes")
parser.add_argument("--seed", type=int, default=1)
try:
    asyncio.run(serve(parser.parse_args()))
except KeyboardInterrupt:
    pass
