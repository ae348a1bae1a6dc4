# SPDX-License-Identifier: Apache-2.0
"""One emulated machine and its serial line, which is read and to which commands are sent."""
import os
import re
import selectors
import subprocess
import time

from host import Failure

# The host is 10.0.2.2. Without the card's own program the firmware does not try to boot from it.
NETWORK = ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
# What a guest flushes is safe as long as this host lives, and no power is cut here.
DISK = "if=virtio,format=raw,cache=unsafe,file="
ESCAPE = re.compile(rb"\x1b\[[0-9;?=]*[A-Za-z]|\x1bc|\r")
ESCAPE_MAX = 16


def accelerator():
    """Emulation, or the host's own processor where that works: a KVM module without hardware
    virtualisation takes the calls, and then no stock kernel starts."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        has_hardware = re.search(r"\b(vmx|svm)\b", file.read())
    has_stand_in = os.path.exists("/sys/module/kvm_pvm")
    if has_hardware and not has_stand_in and os.access("/dev/kvm", os.W_OK):
        return ["-accel", "kvm", "-cpu", "host,-arch-capabilities"]
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


class Machine:
    """Runs from the `with` that makes it until the block ends."""

    def __init__(self, command, log):
        self.log = open(log, "wb")
        self.start = time.monotonic()
        self.text = b""
        self.rest = b""
        self.position = 0
        self.commands = 0
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()

    @property
    def seconds(self):
        return time.monotonic() - self.start

    def _read(self, seconds):
        """False at the end of the machine's output."""
        if not self.selector.select(max(seconds, 0)):
            return True
        chunk = os.read(self.process.stdout.fileno(), 65536)
        self.log.write(chunk)
        self.log.flush()
        self._take(self.rest + chunk)
        return bool(chunk)

    def _take(self, text):
        """A sequence of the terminal may come in parts."""
        start = text.rfind(b"\x1b")
        is_part = start >= 0 and len(text) - start < ESCAPE_MAX and not ESCAPE.match(text, start)
        end = start if is_part else len(text)
        self.rest = text[end:]
        self.text += ESCAPE.sub(b"", text[:end])

    def wait_for(self, pattern, seconds=60):
        """The match of `pattern` in what was printed since the last one."""
        end = time.monotonic() + seconds
        expression = re.compile(pattern.encode())
        while True:
            match = expression.search(self.text, self.position)
            if match:
                self.position = match.end()
                return match
            if time.monotonic() >= end:
                raise Failure(f"no '{pattern}' after {seconds} s{self.tail()}")
            if not self._read(end - time.monotonic()):
                raise Failure(f"no '{pattern}' until the machine ended{self.tail()}")

    def send(self, line):
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def run(self, command, seconds=60):
        """Runs a line of shell in the guest; gives what it printed and its exit code."""
        self.commands += 1
        mark = f"command-{self.commands}"
        self.send(f"echo '{mark}' begins; ( {command} ) 2>&1; echo '{mark}' ended with $?")
        begin = self.wait_for(f"{mark} begins\n", seconds)
        end = self.wait_for(f"{mark} ended with ([0-9]+)\n", seconds)
        return self.text[begin.end():end.start()].decode(errors="replace"), int(end.group(1))

    def must_run(self, command, seconds=60):
        output, status = self.run(command, seconds)
        if status != 0:
            raise Failure(f"'{command}' ended with {status}:\n{output}")
        return output

    def wait_end(self, seconds=60):
        """The machine switches itself off or, with -no-reboot, restarts."""
        end = time.monotonic() + seconds
        while self._read(end - time.monotonic()):
            if time.monotonic() >= end:
                raise Failure(f"the machine did not end after {seconds} s{self.tail()}")
        self.process.wait()

    def power_off(self):
        self.send("sync; poweroff -f")
        self.wait_end()

    def tail(self):
        lines = self.text.decode(errors="replace").splitlines()[-30:]
        return "; the last lines of the console:\n" + "\n".join(f"    | {line}" for line in lines)
