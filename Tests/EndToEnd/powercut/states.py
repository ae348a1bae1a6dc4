# SPDX-License-Identifier: Apache-2.0
"""The states in which a power cut can leave a disk.

What was written before a flush is there. Of the writes since then (an epoch) any may be there or
not, and one may be cut within itself. Of all these combinations are made, for each epoch:

    prefix    the first writes of it, from none on
    missing   all but one
    alone     one of them
    torn      the first writes, and of the next one its first sectors; or only its last ones
    some      a few subsets by chance, from a fixed seed
"""
import hashlib
import mmap
import random
from dataclasses import dataclass

from .writelog import SECTOR

PAGE = 4096
SUBSETS = 4
# Of a longer write not every sector is a place to cut.
CUTS_MAX = 8


@dataclass(frozen=True)
class State:
    epoch: int
    kind: str
    index: int
    writes: tuple

    @property
    def name(self):
        return f"{self.epoch:04}-{self.kind}-{self.index}"


@dataclass(frozen=True)
class Whole:
    """A part of the disk of which each unit is written as a whole, or not at all."""
    begin: int
    end: int
    unit: int

    def forbids(self, place):
        return self.begin < place < self.end and (place - self.begin) % self.unit != 0


def _cuts(write, wholes):
    """Where a write is cut."""
    count = write.sectors
    places = range(1, count)
    if count > CUTS_MAX:
        step = count // (CUTS_MAX - 2)
        places = sorted({1, count - 1, *range(step, count, step)})
    for place in places:
        cut = write.start + place * SECTOR
        if not any(whole.forbids(cut) for whole in wholes):
            yield place


def states(number, epoch, wholes=()):
    """All states of an epoch but the one in which it is complete: the next begins with that."""
    writes = epoch.writes
    for index in range(len(writes)):
        yield State(number, "prefix", index, writes[:index])
    if len(writes) > 1:
        for index in range(len(writes) - 1):
            yield State(number, "missing", index, writes[:index] + writes[index + 1:])
        for index in range(1, len(writes)):
            yield State(number, "alone", index, (writes[index],))
    torn = 0
    for index, write in enumerate(writes):
        for place in _cuts(write, wholes):
            yield State(number, "torn", torn, (*writes[:index], write.part(0, place)))
            torn += 1
        places = list(_cuts(write, wholes))
        if places:
            tail = write.part(places[len(places) // 2], write.sectors)
            yield State(number, "torn", torn, (*writes[:index], tail))
            torn += 1
    if len(writes) > 2:
        chance = random.Random(number)
        for index in range(SUBSETS):
            chosen = tuple(write for write in writes if chance.random() < 0.5)
            yield State(number, "some", index, chosen)


class Medium:
    """A disk in memory, on which what is durable stays and a state can be tried.

    Its content is known by a key for each of its `parts` (begin, end): equal contents have equal
    keys, however they came about.
    """

    def __init__(self, path, parts):
        with open(path, "rb") as file:
            file.seek(0, 2)
            self.bytes = mmap.mmap(-1, file.tell())
            file.seek(0)
            file.readinto(memoryview(self.bytes))
        self.parts = parts
        self.keys = [0] * len(parts)
        self.hashes = {}

    def _hash(self, page):
        content = self.bytes[page * PAGE:(page + 1) * PAGE]
        digest = hashlib.blake2b(content, digest_size=16, salt=page.to_bytes(8, "little")).digest()
        return int.from_bytes(digest, "little")

    def _part(self, page):
        for index, (begin, end) in enumerate(self.parts):
            if begin <= page * PAGE < end:
                return index
        return None

    @staticmethod
    def _pages(writes):
        pages = set()
        for write in writes:
            end = write.start + len(write.data)
            pages.update(range(write.start // PAGE, (end - 1) // PAGE + 1))
        return pages

    def _put(self, writes):
        for write in writes:
            self.bytes[write.start:write.start + len(write.data)] = write.data

    def _changed_keys(self, pages):
        """The keys after these pages changed, and the hashes of the pages."""
        keys, hashes = list(self.keys), {}
        for page in pages:
            part = self._part(page)
            if part is not None:
                hashes[page] = self._hash(page)
                keys[part] ^= self.hashes[page] ^ hashes[page]
        return keys, hashes

    def _remember(self, pages):
        for page in pages:
            if page not in self.hashes:
                self.hashes[page] = self._hash(page)

    def apply(self, writes):
        """Makes writes durable."""
        pages = self._pages(writes)
        self._remember(pages)
        self._put(writes)
        self.keys, hashes = self._changed_keys(pages)
        self.hashes.update(hashes)

    def trying(self, state):
        return _Trial(self, state.writes)


class _Trial:
    """The medium is in a state within the block, and as before afterwards."""

    def __init__(self, medium, writes):
        self.medium, self.writes = medium, writes

    def __enter__(self):
        medium = self.medium
        self.pages = medium._pages(self.writes)
        medium._remember(self.pages)
        self.old = {page: medium.bytes[page * PAGE:(page + 1) * PAGE] for page in self.pages}
        medium._put(self.writes)
        keys, _ = medium._changed_keys(self.pages)
        return tuple(keys)

    def __exit__(self, *_):
        for page, content in self.old.items():
            self.medium.bytes[page * PAGE:(page + 1) * PAGE] = content
