# SPDX-License-Identifier: Apache-2.0
"""Reads a FAT16 file system as it lies on the disk. (Microsoft, FAT: General Overview of On-Disk
Format, 1.03.)"""
import struct

from .ext4 import Unreadable

FOLDER, LABEL, LONG_NAME = 0x10, 0x08, 0x0F
END = 0xFFF8
ENTRY_BYTES = 32


class FAT:
    """`medium`: bytes of the whole disk; `start`: where on it the file system begins."""

    def __init__(self, medium, start):
        self.medium, self.start = medium, start
        # The metadata that was read: (where on the medium it begins and ends).
        self.touched = set()
        boot = self._part(0, 512)
        if boot[510:] != b"\x55\xaa":
            raise Unreadable("there is no boot sector")
        sector, self.sectors_per_cluster, reserved, copies, self.root_entries = struct.unpack_from(
            "<HBHBH", boot, 11)
        fat_sectors, = struct.unpack_from("<H", boot, 22)
        if sector != 512 or fat_sectors == 0:
            raise Unreadable("it is no FAT16")
        self.cluster_bytes = self.sectors_per_cluster * sector
        self.fat = self._part(reserved * sector, fat_sectors * sector, is_metadata=False)
        self.root = (reserved + copies * fat_sectors) * sector
        self.data = self.root + self.root_entries * ENTRY_BYTES

    def _part(self, place, count, is_metadata=True):
        begin = self.start + place
        if is_metadata:
            self.touched.add((begin, begin + count))
        part = self.medium[begin:begin + count]
        if len(part) < count:
            raise Unreadable(f"byte {place} is outside")
        return part

    def _chain(self, cluster, count=None, is_metadata=True):
        """The bytes of the clusters from this one on: all of them, or so many."""
        parts, most = [], len(self.fat) // 2
        while len(parts) != count and (count is not None or cluster < END):
            if cluster < 2 or cluster * 2 + 2 > len(self.fat) or len(parts) > most:
                raise Unreadable(f"a chain leads to cluster {cluster}")
            place = self.data + (cluster - 2) * self.cluster_bytes
            parts.append(self._part(place, self.cluster_bytes, is_metadata))
            cluster, = struct.unpack_from("<H", self.fat, cluster * 2)
        return b"".join(parts)

    @staticmethod
    def _entries(content):
        """{name in small letters: (attributes, first cluster, size)}"""
        result, long_name = {}, {}
        for place in range(0, len(content) - ENTRY_BYTES + 1, ENTRY_BYTES):
            raw = content[place:place + ENTRY_BYTES]
            if raw[0] == 0:
                break
            if raw[0] == 0xE5:
                long_name = {}
            elif raw[11] == LONG_NAME:
                text = raw[1:11] + raw[14:26] + raw[28:32]
                long_name[raw[0] & 0x3F] = text.decode("utf-16-le", "replace")
            elif not raw[11] & LABEL:
                short = raw[:8].decode("cp437").rstrip(), raw[8:11].decode("cp437").rstrip()
                name = ".".join(part for part in short if part)
                if long_name:
                    name = "".join(long_name[part] for part in sorted(long_name)).split("\0")[0]
                cluster, size = struct.unpack_from("<HI", raw, 26)
                result[name.lower()] = (raw[11], cluster, size)
                long_name = {}
        return result

    def names(self, path):
        """The names in a folder, in small letters; `.` and `..` are not among them."""
        return set(self._folder(path)) - {".", ".."}

    def _folder(self, path):
        entries = self._entries(self._part(self.root, self.root_entries * ENTRY_BYTES))
        for name in filter(None, path.lower().split("/")):
            if name not in entries or not entries[name][0] & FOLDER:
                raise Unreadable(f"'{path}': no '{name}'")
            entries = self._entries(self._chain(entries[name][1]))
        return entries

    def read(self, path, is_metadata=True):
        """The bytes of a file."""
        folder, _, name = path.rpartition("/")
        entries = self._folder(folder)
        if name.lower() not in entries or entries[name.lower()][0] & FOLDER:
            raise Unreadable(f"no file '{path}'")
        _, cluster, size = entries[name.lower()]
        # What comes after that is of no interest to a reader.
        count = -(-size // self.cluster_bytes)
        return self._chain(cluster, count, is_metadata)[:size]
