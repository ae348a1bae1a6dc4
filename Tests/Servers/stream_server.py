# SPDX-License-Identifier: Apache-2.0
"""An HTTP/2 server over TLS that misbehaves on demand: what it does is in the path.

Prints its port, serves until its standard input ends. GET /log?KEY gives one line for each request
whose path holds KEY: number of the connection, of the stream, how many streams were open, headers.
Who does not choose h2 is served by HTTP/1.1, with /bytes and /log alone.
"""
import argparse
import base64
import itertools
import json
import re
import select
import socket
import ssl
import struct
import sys
import threading
import time

from header_blocks import Inflater, block

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
WINDOW_UPDATE, CONTINUATION = 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, REFUSED_STREAM = 0, 7
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

lock = threading.Lock()
log = []
counts = {}
numbers = itertools.count(1)


def content(count, version=1):
    piece = bytes((i * 7 + i // 256 + version) & 255 for i in range(4096))
    return (piece * (count // 4096 + 1))[:count]


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Client:
    """One connection: reads requests, and answers them by path."""

    def __init__(self, sock, options):
        self.sock, self.options = sock, options
        self.number = next(numbers)
        self.buffer = b""
        self.inflater = Inflater()
        self.window, self.initial = 65535, 65535
        self.windows = {}  # of the streams
        self.open = {}  # stream -> headers, until its answer is over
        self.bodies = {}  # stream -> what is still to be sent, and how that ends
        self.taken = {}  # stream -> bytes of a submission
        self.requests = 0
        self.answered = 0
        self.last = None  # of GOAWAY

    def send(self, data):
        self.sock.sendall(data)

    def run(self):
        while len(self.buffer) < len(PREFACE):
            self.receive()
        self.buffer = self.buffer[len(PREFACE):]
        settings = b""
        if self.options.streams:
            settings = struct.pack(">HI", 3, self.options.streams)
        self.send(frame(SETTINGS, 0, 0, settings))
        while True:
            while self.take_frame():
                pass
            if not self.send_some():
                if self.last is not None and not self.open:
                    break
                self.receive()
            elif self.sock.pending() or select.select([self.sock], [], [], 0)[0]:
                self.receive()

    def receive(self):
        data = self.sock.recv(65536)
        if not data:
            raise OSError("closed")
        self.buffer += data

    def take_frame(self):
        if len(self.buffer) < 9:
            return False
        count = int.from_bytes(self.buffer[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
        if len(self.buffer) < 9 + count:
            return False
        payload, self.buffer = self.buffer[9:9 + count], self.buffer[9 + count:]
        if kind == HEADERS:
            headers = self.inflater.read(payload)
            self.windows.setdefault(stream, self.initial)
            self.open[stream] = headers
            if flags & END_STREAM:
                self.request(stream, headers)
            else:
                self.taken[stream] = b""
        elif kind == DATA and stream in self.taken:
            self.taken[stream] += payload
            for credited in (0, stream) if payload else ():
                self.send(frame(WINDOW_UPDATE, 0, credited, struct.pack(">I", count)))
            if flags & END_STREAM:
                self.request(stream, self.open[stream])
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, count, 6):
                name, value = struct.unpack(">HI", payload[at:at + 6])
                if name == 4:
                    self.initial = value
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big")
            if stream == 0:
                self.window += more
            elif stream in self.windows:
                self.windows[stream] += more
        elif kind == RST_STREAM:
            with lock:
                log.append({"line": f"RST {self.open.get(stream, {}).get(':path')}"})
            self.end(stream)
        return True

    def end(self, stream):
        self.open.pop(stream, None)
        self.bodies.pop(stream, None)
        self.windows.pop(stream, None)
        self.answered += 1

    def send_some(self):
        """Sends one frame of a body; of the bodies by turns if `--mix`. False if there is none."""
        for stream in list(self.bodies):
            data, last = self.bodies[stream]
            count = min(len(data), self.window, self.windows[stream], self.options.mix or 16384)
            if data and count <= 0:
                continue
            rest = data[count:]
            self.send(frame(DATA, 0 if rest or last else END_STREAM, stream, data[:count]))
            self.window -= count
            self.windows[stream] -= count
            del self.bodies[stream]
            if rest:
                self.bodies[stream] = (rest, last)
                if not self.options.mix:
                    self.bodies = {stream: (rest, last), **self.bodies}
            else:
                if last:
                    self.send(last)
                self.end(stream)
            return True
        return False

    # Answers.

    def request(self, stream, headers):
        if self.last is not None and stream > self.last:
            return self.open.pop(stream)
        self.requests += 1
        path = headers[":path"]
        if not path.startswith("/log"):
            with lock:
                log.append({"connection": self.number, "stream": stream, "open": len(self.open),
                            "line": f"{headers[':method']} {path}", **headers})
        limit = self.options.requests
        if limit and self.requests >= limit and self.last is None:
            self.leave(stream)
        name, *rest = path.lstrip("/").split("?")[0].split("/")
        number = [int(part) for part in rest if part.isdigit()]
        query = path.partition("?")[2]
        getattr(self, "do_" + name.replace("-", "_"))(stream, headers, number, query)

    def leave(self, last, code=NO_ERROR):
        self.last = last
        self.send(frame(GOAWAY, 0, 0, struct.pack(">II", last, code)))

    def answer(self, stream, status, body=b"", *headers, last=None):
        fields = [(":status", str(status)), *headers]
        self.send(frame(HEADERS, END_HEADERS, stream, block(fields)))
        self.bodies[stream] = (body, last)

    def seen(self, headers):
        with lock:
            counts[headers[":path"]] = counts.get(headers[":path"], 0) + 1
            return counts[headers[":path"]]

    def whole(self, stream, body, *headers):
        self.answer(stream, 200, body, ("content-length", str(len(body))), *headers)

    def ranged(self, stream, headers, body, cut=None, last=None):
        """The whole or the part that is asked for, perhaps only its first `cut` bytes."""
        match = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        tag = ("etag", '"v1"')
        if match and headers.get("if-range", '"v1"') == '"v1"':
            first = int(match.group(1))
            where = ("content-range", f"bytes {first}-{len(body) - 1}/{len(body)}")
            self.answer(stream, 206, body[first:][:cut], where, tag, last=last)
        else:
            length = ("content-length", str(len(body)))
            self.answer(stream, 200, body[:cut], length, tag, last=last)

    def reset(self, stream, code):
        self.send(frame(RST_STREAM, 0, stream, struct.pack(">I", code)))
        self.end(stream)

    def do_log(self, stream, headers, number, query):
        self.whole(stream, lines(query))

    def do_bytes(self, stream, headers, number, query):
        self.ranged(stream, headers, content(number[0]))

    def do_unsized(self, stream, headers, number, query):
        self.answer(stream, 200, content(number[0]))

    def do_conditional(self, stream, headers, number, query):
        if headers.get("if-none-match") == '"v1"':
            self.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block([(":status", "304")])))
            return self.end(stream)
        self.whole(stream, b"new", ("etag", '"v1"'))

    def do_always(self, stream, headers, number, query):
        self.answer(stream, number[0], b"never")

    def do_once(self, stream, headers, number, query):
        if self.seen(headers) == 1:
            return self.answer(stream, number[0], b"later", ("retry-after", "0"))
        self.whole(stream, b"at last")

    def do_to(self, stream, headers, number, query):
        self.answer(stream, number[0], b"over", ("location", query))

    def do_reset(self, stream, headers, number, query):
        """The first time, the stream is reset with this code."""
        if self.seen(headers) == 1:
            return self.reset(stream, number[0])
        self.ranged(stream, headers, content(100))

    def do_reset_always(self, stream, headers, number, query):
        self.reset(stream, number[0])

    def do_reset_after(self, stream, headers, number, query):
        """Every time, after so many bytes."""
        body = content(number[0])
        first = re.fullmatch(r"bytes=(\d+)-", headers.get("range", "bytes=0-"))
        is_last = len(body) - int(first.group(1)) <= number[1]
        last = None if is_last else frame(RST_STREAM, 0, stream, struct.pack(">I", 2))
        self.ranged(stream, headers, body, number[1], last)

    def do_close(self, stream, headers, number, query):
        """The connection ends, the first time after so many bytes."""
        if self.seen(headers) > 1:
            return self.ranged(stream, headers, content(number[0]))
        fields = [(":status", "200"), ("etag", '"v1"')]
        self.send(frame(HEADERS, END_HEADERS, stream, block(fields)))
        self.send(frame(DATA, 0, stream, content(number[0])[:number[1]]))
        raise OSError("as asked for")

    def do_leave(self, stream, headers, number, query):
        """GOAWAY with this code, the first time, before the request is looked at."""
        if self.seen(headers) > 1:
            return self.ranged(stream, headers, content(100))
        self.open.pop(stream)
        self.leave(max(0, stream - 2), number[0])

    def do_silent(self, stream, headers, number, query):
        """No answer, the first time."""
        if self.seen(headers) > 1:
            self.ranged(stream, headers, content(100))

    def do_headers(self, stream, headers, number, query):
        """So many headers of so many bytes each."""
        fields = [(":status", "200")] + [(f"x-{i}", "v" * number[1]) for i in range(number[0])]
        data = block(fields)
        kind = HEADERS
        while True:
            piece, data = data[:16384], data[16384:]
            self.send(frame(kind, 0 if data else END_HEADERS, stream, piece))
            kind = CONTINUATION
            if not data:
                break
        self.bodies[stream] = (content(10), None)

    def do_interim(self, stream, headers, number, query):
        for _ in range(number[0]):
            self.send(frame(HEADERS, END_HEADERS, stream, block([(":status", "103")])))
        self.whole(stream, b"finally")

    def do_trailers(self, stream, headers, number, query):
        trailers = frame(HEADERS, END_HEADERS | END_STREAM, stream, block([("x-sum", "12")]))
        self.answer(stream, 200, content(number[0]), last=trailers)

    def do_longer(self, stream, headers, number, query):
        """More or fewer bytes than were announced."""
        self.answer(stream, 200, content(number[1]), ("content-length", str(number[0])))

    def do_field(self, stream, headers, number, query):
        """A response with this field: name=value."""
        name, _, value = query.partition("=")
        self.answer(stream, 200, b"odd", (name, value))

    def do_raw(self, stream, headers, number, query):
        """These bytes instead of an answer, so many times."""
        data = base64.urlsafe_b64decode(query)
        data = data.replace(b"STRM", struct.pack(">I", stream))
        for _ in range(number[0]):
            self.send(data)

    def do_flood(self, stream, headers, number, query):
        """Frames that ask for nothing and bring nothing, without end."""
        pings = frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * 100
        for _ in range(100000):
            self.send(pings)

    def do_take(self, stream, headers, number, query):
        body = self.taken.pop(stream, b"")
        self.whole(stream, f"{headers[':method']} {len(body)}".encode())

    def do_echo(self, stream, headers, number, query):
        self.whole(stream, json.dumps(headers).encode())


def lines(query):
    key = query.replace("%20", " ")
    with lock:
        return "\n".join(json.dumps(entry) for entry in log if key in entry["line"]).encode()


def serve_http1(sock):
    """As much of HTTP/1.1 as it takes to see that it is spoken."""
    buffer, number = b"", next(numbers)
    while True:
        while b"\r\n\r\n" not in buffer:
            data = sock.recv(65536)
            if not data:
                return
            buffer += data
        head, buffer = buffer.split(b"\r\n\r\n", 1)
        target = head.decode().split(" ")[1]
        if target.startswith("/log"):
            body = lines(target.partition("?")[2])
        else:
            with lock:
                log.append({"connection": number, "line": head.decode().split("\r\n")[0]})
            body = content(int(re.search(r"\d+", target).group()))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def take(sock, context, options):
    try:
        sock = context.wrap_socket(sock, server_side=True)
        with lock:
            log.append({"line": f"ALPN {sock.selected_alpn_protocol()}",
                        "resumed": sock.session_reused})
        if sock.selected_alpn_protocol() == "h2":
            Client(sock, options).run()
        else:
            serve_http1(sock)
    except (OSError, ssl.SSLError, ValueError):
        pass
    sock.close()


def serve(options):
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    if options.protocols:
        context.set_alpn_protocols(options.protocols.split(","))
    if options.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(options.client_ca)
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=take, args=(sock, context, options), daemon=True).start()


parser = argparse.ArgumentParser()
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--client-ca")
parser.add_argument("--protocols", default="h2,http/1.1", help="for ALPN; empty: none")
parser.add_argument("--streams", type=int, default=0, help="SETTINGS_MAX_CONCURRENT_STREAMS")
parser.add_argument("--requests", type=int, default=0, help="a connection takes no more than these")
parser.add_argument("--mix", type=int, default=0, help="bodies by turns, so many bytes of each")
threading.Thread(target=serve, args=(parser.parse_args(),), daemon=True).start()
sys.stdin.read()
