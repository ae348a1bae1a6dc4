# SPDX-License-Identifier: Apache-2.0
"""The budgets that the project has set itself, and where the figure for each of them comes from.

A figure is made of what the programs of this folder have handed on, or, of those that only print,
of what they said.
"""
import re

MIB = 1 << 20


class Budget:
    """What is bounded, the bound, and how the figure is found: `figure(found, said)` of the numbers
    by name and of the words by program; it raises KeyError where it was not measured."""

    def __init__(self, text, limit, figure, unit="", least=False):
        self.text = text
        self.limit = limit
        self.figure = figure
        self.unit = unit
        self.least = least

    def judge(self, found, said):
        """For the results: the figure, and whether it is met; both None if not measured."""
        try:
            figure = self.figure(found, said)
        except (KeyError, ZeroDivisionError):
            figure = None
        met = None
        if figure is not None:
            met = figure >= self.limit if self.least else figure <= self.limit
        return {"budget": self.text, "limit": self.limit, "at_least": self.least,
                "unit": self.unit, "figure": None if figure is None else round(figure, 3),
                "met": met}


def ratio(over, under):
    return lambda found, said: found[over] / found[under]


def most(pattern):
    """The largest of the figures whose name fits, in MiB."""
    def figure(found, said):
        fitting = [value for name, value in found.items() if re.fullmatch(pattern, name)]
        if not fitting:
            raise KeyError(pattern)
        return max(fitting) / MIB
    return figure


def beyond(pattern):
    """How far memory goes beyond 40 bytes an object, in MiB, at its worst."""
    def figure(found, said):
        worst = [value - 40 * found[f"scale.{match[1]}.objects"]
                 for name, value in found.items() if (match := re.fullmatch(pattern, name))]
        if not worst:
            raise KeyError(pattern)
        return max(worst) / MIB
    return figure


def kibibytes(program, pattern):
    """The same, of KiB, in MiB."""
    number = word(program, pattern)
    return lambda found, said: number(found, said) / 1024


def word(program, pattern):
    """The first number that a program's words have there."""
    def figure(found, said):
        match = re.search(pattern, said[program], re.MULTILINE)
        if not match:
            raise KeyError(pattern)
        return float(match[1])
    return figure


def value(name):
    return lambda found, said: found[name]


ALL = [
    Budget("peak memory of a pull, any size", 8,
           most(r"pull\.coppice(\.next)?\.peak_bytes|scale\.coppice\.pull\.\d+\.peak_bytes"
                r"|size\.coppice\.pull\.\d+\.peak_bytes"), "MiB"),
    Budget("peak memory of a pull over TLS, HTTP/2", 8,
           kibibytes("compare-latency", r"^HTTP/2 +[0-9.]+ +([0-9]+)"), "MiB"),
    Budget("peak memory of a pull over TLS, HTTP/1.1", 8,
           kibibytes("compare-latency", r"^HTTP/1\.1 +[0-9.]+ +([0-9]+)"), "MiB"),
    Budget("peak memory of fsck beyond 40 bytes for each object", 8,
           beyond(r"scale\.coppice\.fsck\.(\d+)\.peak_bytes"), "MiB"),
    Budget("processor time of a pull to that of a bare loop", 1.3, value("pull.cpu_to_bare_loop")),
    Budget("wall time of a pull to ostree's", 0.5,
           ratio("pull.coppice.wall_s", "pull.ostree.wall_s")),
    Budget("wall time of the pull of a next version to ostree's", 0.5,
           ratio("pull.coppice.next.wall_s", "pull.ostree.next.wall_s")),
    Budget("100 ms there and back, HTTP/2: ostree's time to ours", 20,
           word("compare-latency", r"^HTTP/2 .* 1/([0-9.]+) of ostree"), least=True),
    Budget("100 ms there and back, HTTP/1.1: ostree's time to ours", 6,
           word("compare-latency", r"^HTTP/1\.1 .* 1/([0-9.]+) of ostree"), least=True),
    Budget("10 Mbit/s, 100 ms, HTTP/2: share of the line", 85,
           word("compare-latency", r"^HTTP/2, 10 Mbit/s .* ([0-9.]+) % of the line"), "%",
           least=True),
    Budget("wall time of fsck to ostree's, from memory", 0.5,
           ratio("fsck.coppice.wall_s", "fsck.ostree.wall_s")),
    Budget("fsck of objects of 1 MiB to what OpenSSL can hash", 0.9,
           ratio("fsck.large.bytes_per_s", "fsck.openssl.bytes_per_s"), least=True),
    Budget("wall time of deploy to ostree's", 0.5,
           ratio("deploy.coppice.wall_s", "deploy.ostree.wall_s")),
    Budget("executable for x86_64", 4.0, value("binary.x86_64.megabytes"), "MB"),
    Budget("executable for arm64", 4.0, value("binary.arm64.megabytes"), "MB"),
    Budget("executable for armv7", 2.5, value("binary.armv7.megabytes"), "MB"),
    Budget("initramfs of the executable for x86_64 alone, gzip", 3.0,
           value("initramfs.x86_64.megabytes"), "MB"),
]
