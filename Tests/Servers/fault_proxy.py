# SPDX-License-Identifier: Apache-2.0
"""What the fault server does for requests that a proxy gets."""
import base64
import socket
import threading


def head(status, *headers):
    lines = [f"HTTP/1.1 {status} {'OK' if status < 300 else 'Other'}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class ProxyRole:
    def allowed(self, headers):
        wanted = self.options.proxy_credentials
        if not wanted:
            return True
        expected = "Basic " + base64.b64encode(wanted.encode()).decode()
        if headers.get("proxy-authorization") == expected:
            return True
        self.send(head(407, "Content-Length: 0", "Proxy-Authenticate: Basic"))
        return False

    def tunnel(self, target, headers):
        with self.lock:
            self.log.append({"connection": self.number, "line": f"CONNECT {target}", **headers})
        if not self.allowed(headers):
            return
        host, port = target.rsplit(":", 1)
        if host == "refused.test":
            return self.send(head(502, "Content-Length: 0"))
        if host == "chatty.test":
            return self.send(head(200) + b"hello")
        host = "127.0.0.1" if host == "localhost" else host.strip("[]")
        other = socket.create_connection((host, int(port)))
        self.send(head(200))

        def pump(a, b):
            try:
                while data := a.recv(65536):
                    b.sendall(data)
                b.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        thread = threading.Thread(target=pump, args=(other, self.sock), daemon=True)
        thread.start()
        pump(self.sock, other)
        thread.join()
        other.close()

    def forward(self, target, headers):
        with self.lock:
            self.log.append({"connection": self.number, "line": f"GET {target}", **headers})
        if self.allowed(headers):
            body = f"by proxy: {target}".encode()
            self.send(head(200, f"Content-Length: {len(body)}", "Connection: close") + body)
