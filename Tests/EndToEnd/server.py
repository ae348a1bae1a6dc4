# SPDX-License-Identifier: Apache-2.0
"""nginx on this machine, which serves the repos of all chains. A guest reaches it as 10.0.2.2."""
import os
import socket
import subprocess
import time

from host import WORK, Failure, fresh_folder, read, write

CONFIGURATION = """{user}daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


class Server:
    """Runs from the `with` that makes it until the block ends."""

    def __init__(self):
        self.folder = fresh_folder(os.path.join(WORK, "nginx"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        user = "user root;\n" if os.geteuid() == 0 else ""
        write(self.folder + "/nginx.conf", CONFIGURATION.format(
            user=user, folder=self.folder, port=self.port, root=WORK))

    def __enter__(self):
        log = self.folder + "/error.log"
        self.process = subprocess.Popen(["nginx", "-e", log, "-c", self.folder + "/nginx.conf"])
        for _ in range(100):
            time.sleep(0.1)
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                pass
            if self.process.poll() is not None:
                break
        self.__exit__()
        raise Failure(f"nginx does not start:\n{read(log)}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def url(self, folder):
        """Of a folder below WORK, as a guest has it."""
        return f"http://10.0.2.2:{self.port}/{os.path.relpath(folder, WORK)}"
