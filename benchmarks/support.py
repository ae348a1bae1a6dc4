# SPDX-License-Identifier: Apache-2.0
"""What the programs of this folder share: where things are, how a command is measured, and how
figures are shown and handed on.

BENCH          where data and repos lie, default .build/bench: their file system counts
COPPICE        another executable than .build/device/x86_64/coppice
BENCH_FIGURES  a file for the figures as JSON, for `run`
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

root = pathlib.Path(__file__).resolve().parent.parent
work = pathlib.Path(os.environ.get("BENCH", root / ".build/bench")).resolve()
coppice = str(
    pathlib.Path(os.environ.get("COPPICE", root / ".build/device/x86_64/coppice")).resolve())


def runs(description, default=5):
    """What the command line says: how often each command is run."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("runs", metavar="RUNS", nargs="?", type=int, default=default,
                        help="how often each is run (default: %(default)s)")
    count = parser.parse_args().runs
    if count < 1:
        parser.error("RUNS must be 1 or more")
    if not os.access(coppice, os.X_OK):
        sys.exit(f"{sys.argv[0]}: error: '{coppice}' is missing; run 'make device ARCH=x86_64'")
    work.mkdir(parents=True, exist_ok=True)
    os.chdir(work)
    return count


def words(text):
    """Numbers of an environment variable, or of its default."""
    return [int(word) for word in text.split()]


def must(*command, **options):
    """Runs a command that has to succeed; gives what it said."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode != 0:
        raise SystemExit(f"{sys.argv[0]}: error: '{' '.join(map(str, command))}' failed with "
                         f"{done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def remove(path):
    """A tree and all in it; deployments carry a flag that forbids it."""
    if os.path.lexists(path):
        subprocess.run(["chattr", "-R", "-f", "-i", path], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(path)


class Runs:
    """The costs of commands that are run in turn."""

    def __init__(self):
        self.costs = {}

    def measure(self, name, *command):
        """Runs it once, with nothing else to be written. GNU time is small: what a process was
        before its exec counts as its memory."""
        os.sync()
        must("/usr/bin/time", "-o", "figures", "-f", "%e %U %S %M", *command)
        wall, user, system, peak = map(float, open("figures", encoding="ascii").read().split())
        self.costs.setdefault(name, []).append((wall, user + system, peak * 1024))

    def median(self, name, index):
        """0 wall seconds, 1 processor seconds, 2 bytes of memory at the peak."""
        return statistics.median(cost[index] for cost in self.costs[name])

    def figures(self, prefix):
        """All medians by name."""
        found = {}
        for name in self.costs:
            found[f"{prefix}.{name}.wall_s"] = round(self.median(name, 0), 3)
            found[f"{prefix}.{name}.cpu_s"] = round(self.median(name, 1), 3)
            found[f"{prefix}.{name}.peak_bytes"] = int(self.median(name, 2))
        return found

    def show(self):
        """A table for people."""
        print(f"{'':32} {'wall/s':>8} {'cpu/s':>8} {'peak RSS/KiB':>13}")
        for name in self.costs:
            print(f"{name:32} {self.median(name, 0):8.2f} {self.median(name, 1):8.2f} "
                  f"{self.median(name, 2) / 1024:13.0f}")


def show_machine(text):
    """The line that says when, of what and where the figures are."""
    commit = must("git", "-C", root, "describe", "--always", "--dirty").strip()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    print(f"{today}, {commit}, {os.uname().machine}, {os.cpu_count()} cores, "
          f"{must('stat', '-f', '-c', '%T', '.').strip()}")
    print(text)


def hand_on(figures):
    """Gives figures, a dictionary of names and numbers, to whoever wants them."""
    path = os.environ.get("BENCH_FIGURES")
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)


def bench(*arguments):
    """What `coppice bench` finds, as its JSON."""
    return json.loads(must(coppice, "bench", *arguments, "--dir", ".", "--progress", "none",
                           "--json"))


def free_port():
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def nginx(folder):
    """Serves a folder; gives the URL."""
    port = free_port()
    with open("nginx.conf", "w", encoding="utf-8") as file:
        file.write(f"""user root; worker_processes 1; pid {work}/nginx.pid; daemon off;
error_log {work}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; default_type application/octet-stream; keepalive_requests 1000000; sendfile on;
  server {{ listen 127.0.0.1:{port}; root {work}/{folder}; }}
}}
""")
    server = subprocess.Popen(["nginx", "-e", f"{work}/nginx.log", "-c", f"{work}/nginx.conf"])
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def wait_for(port):
    """Until somebody listens."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=0.1).close()
            return
        time.sleep(0.1)
    raise SystemExit(f"{sys.argv[0]}: error: nginx does not listen; see '{work}/nginx.log'")


def fresh_repo(name, url):
    """An empty bare repo that follows a server."""
    remove(name)
    must("ostree", "init", f"--repo={name}", "--mode=bare")
    must("ostree", f"--repo={name}", "remote", "add", "--no-gpg-verify", "origin", url)


def commit(repo, branch, tree, *options):
    """A commit at a fixed time."""
    must("ostree", f"--repo={repo}", "commit", "-b", branch, f"--tree=dir={tree}", "-s", "bench",
         "--timestamp=@1700000000", *options)
