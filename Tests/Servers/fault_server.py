# SPDX-License-Identifier: Apache-2.0
"""An HTTP/1.1 server that misbehaves on demand: what it does is in the path.

Prints its port, serves until its standard input ends. GET /log?KEY gives one line for each request
whose path holds KEY: number of the connection, request line, Range, If-Range, and so on.
"""
import argparse
import base64
import itertools
import json
import re
import socket
import ssl
import sys
import threading
import time

from fault_proxy import ProxyRole, head
from fault_submission import SubmissionRole

lock = threading.Lock()
log = []
counts = {}
connection_numbers = itertools.count(1)


def content(count, version=1):
    block = bytes((i * 7 + i // 256 + version) & 255 for i in range(4096))
    return (block * (count // 4096 + 1))[:count]


class Client(ProxyRole, SubmissionRole):
    """One connection: reads requests, and answers them by path."""

    def __init__(self, sock, options):
        self.sock = sock
        self.options = options
        self.log, self.lock = log, lock
        self.number = next(connection_numbers)
        self.buffer = b""
        self.answered = 0

    def read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.buffer += data
            if self.buffer[0] == 0x16:  # a TLS handshake record
                self.send(head(400, "Content-Length: 0"))
                return None
        block, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = block.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        return lines[0], headers

    def run(self):
        try:
            while True:
                request = self.read_head()
                if request is None:
                    break
                line, headers = request
                method, target, _ = line.split(" ")
                if method == "CONNECT":
                    return self.tunnel(target, headers)
                if target.startswith("http://"):
                    return self.forward(target, headers)
                if not target.startswith("/log"):
                    with lock:
                        log.append({"connection": self.number, "line": line, **headers})
                if not target.startswith("/early"):
                    self.body = self.read_body(headers)
                if self.answer(target, headers) is False:
                    break
                self.answered += 1
        except (OSError, ssl.SSLError, BrokenPipeError, ValueError):
            pass
        finally:
            self.close()

    def close(self, reset=False):
        try:
            if reset:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            elif isinstance(self.sock, ssl.SSLSocket):
                self.sock.unwrap()
            else:
                # Read what was sent ahead, or the kernel resets and our answers are lost.
                self.sock.shutdown(socket.SHUT_WR)
                self.sock.settimeout(1)
                while self.sock.recv(65536):
                    pass
        except (OSError, ValueError):  # ValueError: closed already, says Python's ssl
            pass
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def seen(self, target):
        with lock:
            counts[target] = counts.get(target, 0) + 1
            return counts[target]

    def text(self, body, *headers):
        self.send(head(200, f"Content-Length: {len(body)}", *headers) + body)

    def ranged(self, headers, body, etag='"v1"'):
        """The head for a whole or partial answer, and the body that belongs to it."""
        match = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        tag = [f"ETag: {etag}"] if etag else []
        if match and headers.get("if-range", etag) == etag:
            first = int(match.group(1))
            if first >= len(body):
                return head(416, f"Content-Range: bytes */{len(body)}", "Content-Length: 0"), b""
            rest = body[first:]
            where = f"Content-Range: bytes {first}-{len(body) - 1}/{len(body)}"
            return head(206, where, f"Content-Length: {len(rest)}", *tag), rest
        return head(200, f"Content-Length: {len(body)}", *tag), body

    def answer(self, target, headers):
        name, *rest = target.lstrip("/").split("?")[0].split("/")
        query = target.partition("?")[2]
        number = [int(part) for part in rest if part.isdigit()]
        return getattr(self, "do_" + name.replace("-", "_"))(target, headers, number, rest, query)

    def do_log(self, target, headers, number, rest, query):
        query = query.replace("%20", " ")
        with lock:
            lines = [json.dumps(entry) for entry in log if query in entry["line"]]
        self.text("\n".join(lines).encode())

    def do_bytes(self, target, headers, number, rest, query):
        start, body = self.ranged(headers, content(number[0]))
        self.send(start + body)

    def do_conditional(self, target, headers, number, rest, query):
        if headers.get("if-none-match") == '"v1"':
            return self.send(head(304, 'ETag: "v1"'))
        date = query.replace("%20", " ") or "Sun, 06 Nov 1994 08:49:39 GMT"
        self.text(
            b"new", 'ETag: "v1"', "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", f"Date: {date}")

    def do_cut(self, target, headers, number, rest, query):
        """Every connection ends after so many bytes of the body."""
        start, body = self.ranged(headers, content(number[0]))
        self.send(start + body[:number[1]])
        return False if len(body) > number[1] else None

    def do_cut_reset(self, target, headers, number, rest, query):
        start, body = self.ranged(headers, content(number[0]))
        self.send(start + body[:number[1]])
        if len(body) > number[1]:
            time.sleep(0.05)
            self.close(reset=True)
            return False

    def cut_once(self, target, start, body, count):
        """The first time, only so many bytes of the body, and the end of the connection."""
        if self.seen(target) > 1:
            return self.send(start + body)
        self.send(start + body[:count])
        return False

    def do_cut_without_range(self, target, headers, number, rest, query):
        """Ends early once; knows no ranges."""
        body = content(number[0])
        start = head(200, f"Content-Length: {len(body)}", 'ETag: "v1"')
        return self.cut_once(target, start, body, number[1])

    def do_cut_changed(self, target, headers, number, rest, query):
        """Ends early once; after that the content is another."""
        version = 2 if target in counts else 1
        start, body = self.ranged(headers, content(number[0], version), f'"v{version}"')
        return self.cut_once(target, start, body, number[1])

    def do_cut_lying(self, target, headers, number, rest, query):
        """Ends early once; then honours the range in spite of a new ETag."""
        version = 2 if target in counts else 1
        headers.pop("if-range", None)
        start, body = self.ranged(headers, content(number[0], version), f'"v{version}"')
        return self.cut_once(target, start, body, number[1])

    def do_cut_no_validator(self, target, headers, number, rest, query):
        start, body = self.ranged(headers, content(number[0]), None)
        return self.cut_once(target, start, body, number[1])

    def do_stingy(self, target, headers, number, rest, query):
        """Parts of so many bytes, whatever is asked for."""
        body = content(number[0])
        match = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if not match:
            self.send(head(200, f"Content-Length: {len(body)}", 'ETag: "v1"') + body[:number[1]])
            return False
        first = int(match.group(1))
        part = body[first:first + number[1]]
        where = f"Content-Range: bytes {first}-{first + len(part) - 1}/{len(body)}"
        self.send(head(206, where, f"Content-Length: {len(part)}", 'ETag: "v1"') + part)

    def do_wrong_range(self, target, headers, number, rest, query):
        body = content(number[0])
        if "range" not in headers:
            self.send(head(200, f"Content-Length: {len(body)}", 'ETag: "v1"') + body[:number[1]])
            return False
        where = "Content-Range: bytes 1-9/10"
        self.send(head(206, where, "Content-Length: 9", 'ETag: "v1"') + body[1:10])

    def do_once(self, target, headers, number, rest, query):
        """A status the first time, with a Retry-After if there is a second number."""
        if self.seen(target) == 1:
            more = [f"Retry-After: {number[1]}"] if len(number) > 1 else []
            return self.send(head(number[0], "Content-Length: 5", *more) + b"later")
        self.text(b"at last")

    def do_always(self, target, headers, number, rest, query):
        self.send(head(number[0], "Content-Length: 5") + b"never")

    def do_slow(self, target, headers, number, rest, query):
        self.send(head(200, f"Content-Length: {number[0]}"))
        for _ in range(number[0]):
            self.send(b"x")
            time.sleep(0.1)

    def do_silent(self, target, headers, number, rest, query):
        time.sleep(20)
        return False

    def do_chunked(self, target, headers, number, rest, query):
        self.send(head(200, "Transfer-Encoding: chunked", "Trailer: X-Sum"))
        body = content(number[0])
        for at in range(0, len(body), 1000):
            part = body[at:at + 1000]
            self.send(b"%x;why=not\r\n%s\r\n" % (len(part), part))
        self.send(b"0\r\nX-Sum: 12\r\n\r\n")

    def do_chunked_cut(self, target, headers, number, rest, query):
        self.send(head(200, "Transfer-Encoding: chunked"))
        self.send(b"5\r\nhello\r\n")
        return False

    def do_endless(self, target, headers, number, rest, query):
        self.send(head(200, "Transfer-Encoding: chunked"))
        while True:
            self.send(b"1000\r\n" + bytes(4096) + b"\r\n")

    def do_until_close(self, target, headers, number, rest, query):
        self.send(head(200) + content(number[0]))
        return False

    def do_until_close_cut(self, target, headers, number, rest, query):
        """The connection ends without the goodbye of TLS."""
        self.send(head(200) + content(number[0]))
        self.sock.shutdown(socket.SHUT_WR)
        time.sleep(0.2)
        self.close(reset=True)
        return False

    def do_goodbye(self, target, headers, number, rest, query):
        self.text(b"bye", "Connection: close")
        return False

    def do_hang_up(self, target, headers, number, rest, query):
        """Answers, and ends the connection without having said so."""
        self.text(b"bye")
        return False

    def do_few(self, target, headers, number, rest, query):
        """Answers so many requests on a connection, and then ends it without notice."""
        self.text(content(100))
        return False if self.answered + 1 >= number[0] else None

    def do_confused(self, target, headers, number, rest, query):
        """Cannot cope with requests that were sent ahead: answers nonsense to them."""
        time.sleep(0.05)
        self.sock.setblocking(False)
        try:
            self.buffer += self.sock.recv(65536)
        except OSError:
            pass
        self.sock.setblocking(True)
        if self.buffer:
            self.send(b"what?\r\n\r\n")
            return False
        self.text(content(100))

    def do_redirect(self, target, headers, number, rest, query):
        if number[0] == 0:
            return self.text(b"arrived")
        self.send(head(302, f"Location: {number[0] - 1}", "Content-Length: 4") + b"over")

    def do_loop(self, target, headers, number, rest, query):
        self.send(head(301, f"Location: {target}", "Content-Length: 0"))

    def do_to(self, target, headers, number, rest, query):
        self.send(head(number[0], f"Location: {query}", "Content-Length: 0"))

    def do_raw(self, target, headers, number, rest, query):
        self.send(base64.urlsafe_b64decode(query))
        return False

    def do_interim(self, target, headers, number, rest, query):
        for _ in range(number[0]):
            self.send(head(103, "Link: </x>"))
        self.text(b"finally")

    def do_echo(self, target, headers, number, rest, query):
        self.text(json.dumps(headers).encode())


def serve(options):
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    listener = socket.create_server((options.address, 0), family=family)
    context = None
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        if options.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(options.client_ca)
        if options.tls == "1.1":
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        elif options.tls == "1.2":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.sni_callback = lambda sock, name, _: log.append({"line": f"SNI {name}"})
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=take, args=(sock, context, options), daemon=True).start()


def take(sock, context, options):
    if context:
        try:
            sock = context.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError):
            return sock.close()
    client = Client(sock, options)
    if context:
        with lock:
            log.append({"connection": client.number, "line": f"TLS {sock.version()}",
                        "resumed": sock.session_reused})
    client.run()


parser = argparse.ArgumentParser()
parser.add_argument("--address", default="127.0.0.1")
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--client-ca")
parser.add_argument("--tls", default="any")
parser.add_argument("--proxy-credentials")
threading.Thread(target=serve, args=(parser.parse_args(),), daemon=True).start()
sys.stdin.read()
