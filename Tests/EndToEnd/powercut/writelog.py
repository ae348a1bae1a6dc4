# SPDX-License-Identifier: Apache-2.0
"""The log of a disk's writes that QEMU's `blklogwrites` leaves, in the format of the kernel's
dm-log-writes target (Documentation/admin-guide/device-mapper/log-writes.rst; all little endian):

    sector 0      u64 magic, u64 version, u64 entries, u32 sector size
    each entry    one sector: u64 sector, u64 count, u64 flags, u64 length of a mark;
                  then `count` sectors of data, which a discard or a bare flush has not
"""
import os
import struct
from dataclasses import dataclass

MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
SECTOR = 512
HEAD = struct.Struct("<QQQI")


@dataclass(frozen=True)
class Write:
    """Bytes that went to a place on the disk."""
    start: int
    data: bytes

    @property
    def sectors(self):
        return len(self.data) // SECTOR

    def part(self, begin, end):
        """The sectors from `begin` to `end` of it alone."""
        return Write(self.start + begin * SECTOR, self.data[begin * SECTOR:end * SECTOR])


@dataclass(frozen=True)
class Epoch:
    """The writes between two flushes: after a power cut each may be on the medium or not."""
    # How many entries the log had when it was over.
    end: int
    writes: tuple


def entry_count(log):
    """How many entries the log has by now."""
    with open(log, "rb") as file:
        head = file.read(HEAD.size)
    # The machine may not have begun it yet.
    return HEAD.unpack(head)[2] if head else 0


def _entries(log):
    size = os.path.getsize(log)
    with open(log, "rb") as file:
        magic, version, count, sector_size = HEAD.unpack(file.read(HEAD.size))
        if (magic, version, sector_size) != (MAGIC, 1, SECTOR):
            raise ValueError(f"'{log}' is not a log of writes")
        position = SECTOR
        for _ in range(count):
            file.seek(position)
            sector, sectors, flags, length = struct.unpack("<QQQQ", file.read(32))
            position += SECTOR
            # What is read from a place that was discarded is undefined: the old data is allowed.
            has_data = not flags & (DISCARD | MARK)
            data = b""
            if has_data:
                file.seek(position)
                data = file.read(sectors * SECTOR)
            position += -(-length // SECTOR) * SECTOR if flags & MARK else len(data)
            if position > size or (has_data and len(data) < sectors * SECTOR):
                raise ValueError(f"'{log}' is cut short")
            yield flags, Write(sector * SECTOR, data)


def epochs(log):
    """What was complete before a flush is durable; a write with FUA is once it is complete."""
    result, writes, count = [], [], 0
    for count, (flags, write) in enumerate(_entries(log), 1):
        if flags & FLUSH and writes:
            result.append(Epoch(count, tuple(writes)))
            writes = []
        if write.data:
            writes.append(write)
        if flags & FUA and writes:
            result.append(Epoch(count, tuple(writes)))
            writes = []
    if writes:
        # No flush ever came.
        result.append(Epoch(count + 1, tuple(writes)))
    return result
