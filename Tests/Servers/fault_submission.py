# SPDX-License-Identifier: Apache-2.0
"""What fault_server.py does with requests that have a body."""
import time

from fault_proxy import head


class SubmissionRole:
    """Takes bodies, all of them or not, and answers when it likes."""

    def read_body(self, headers, count=None):
        """Takes the body of a request, or so many bytes of it."""
        length = int(headers.get("content-length", 0))
        wanted = length if count is None else min(length, count)
        while len(self.buffer) < wanted:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError
            self.buffer += data
        body, self.buffer = self.buffer[:wanted], self.buffer[wanted:]
        return body

    def do_take(self, target, headers, number, rest, query):
        """Answers with a status and what was handed in."""
        self.send(head(number[0], f"Content-Length: {len(self.body)}") + self.body)

    def do_continue(self, target, headers, number, rest, query):
        self.send(head(100) + head(201, f"Content-Length: {len(self.body)}") + self.body)

    def do_early(self, target, headers, number, rest, query):
        """Answers after so many bytes of the body, and takes no more of it."""
        self.read_body(headers, number[1])
        self.send(head(number[0], "Content-Length: 6", "Connection: close") + b"enough")
        if query == "reset":
            time.sleep(0.2)
            self.close(reset=True)
        return False

    def do_early_cut(self, target, headers, number, rest, query):
        """The first time, ends the connection after so many bytes of the body."""
        self.read_body(headers, number[0])
        if self.seen(target) == 1:
            self.close(reset=True)
            return False
        self.body = self.read_body(headers, int(headers["content-length"]) - number[0])
        self.text(b"at last")

    def do_answer_cut(self, target, headers, number, rest, query):
        """The first time, so many bytes of the answer and the end of the connection."""
        answer = head(200, "Content-Length: 7") + b"at last"
        first = self.seen(target) == 1
        self.send(answer[:number[0]] if first else answer)
        return False if first else None

    def do_early_slow(self, target, headers, number, rest, query):
        """Takes the body in large pieces with a pause after each."""
        left = int(headers["content-length"])
        while left > 0:
            left -= len(self.read_body(headers | {"content-length": min(left, number[0])}))
            time.sleep(0.25)
        self.text(b"at last")
