# SPDX-License-Identifier: Apache-2.0
"""Reads an ext4 as it lies on the disk, its journal not replayed: as GRUB and U-Boot do.

(Linux, Documentation/filesystems/ext4.) Directories are read block by block: the index of a large
one hides in entries without an inode. It keeps account of the metadata that it has read.
"""
import stat
import struct

from . import memory

EXTENTS, INLINE_DATA = 0x80000, 0x10000000
# Numbers of inodes.
ROOT, JOURNAL = 2, 8
LINKS_MAX = 20
# Of an inode, without what was added to it later.
INODE_BYTES = 128


class Unreadable(Exception):
    """Not a file system, or not one in which this name leads to something."""


# What a damaged file system may end in, here and in what reads its files.
DAMAGE = (Unreadable, struct.error, ValueError)


class Inode:
    def __init__(self, number, raw):
        self.number = number
        self.mode, uid_low, low = struct.unpack_from("<HHI", raw, 0)
        gid_low, self.links, _, self.flags = struct.unpack_from("<HHII", raw, 24)
        self.block = raw[40:100]
        high, = struct.unpack_from("<I", raw, 108)
        uid_high, gid_high = struct.unpack_from("<HH", raw, 120)
        self.size = low | (high << 32 if stat.S_ISREG(self.mode) else 0)
        self.owner = (uid_low | uid_high << 16, gid_low | gid_high << 16)


class FileSystem:
    """`medium`: bytes of the whole disk; `start`: where on it the file system begins."""

    def __init__(self, medium, start):
        self.medium, self.start = medium, start
        # The metadata that was read: (where on the medium it begins and ends).
        self.touched = set()
        raw = medium[start + 1024:start + 2048]
        if raw[56:58] != b"\x53\xef":
            raise Unreadable("there is no superblock")
        self.block_bytes = 1024 << struct.unpack_from("<I", raw, 24)[0]
        self.first_block, = struct.unpack_from("<I", raw, 20)
        self.block_count, = struct.unpack_from("<I", raw, 4)
        self.inode_count, = struct.unpack_from("<I", raw, 0)
        self.inodes_per_group, = struct.unpack_from("<I", raw, 40)
        self.inode_bytes, = struct.unpack_from("<H", raw, 88)
        has_64_bits = struct.unpack_from("<I", raw, 96)[0] & 0x80
        self.descriptor_bytes = struct.unpack_from("<H", raw, 254)[0] if has_64_bits else 32

    def _block(self, number, is_metadata=True):
        if not self.first_block <= number < self.block_count:
            raise Unreadable(f"block {number} is outside")
        begin = self.start + number * self.block_bytes
        end = begin + self.block_bytes
        if is_metadata:
            self.touched.add((begin, end))
        return self.medium[begin:end]

    def _part(self, place, count):
        """Of metadata in which much else lies."""
        begin = self.start + place
        if begin + count > len(self.medium):
            raise Unreadable(f"byte {place} is outside")
        self.touched.add((begin, begin + count))
        return self.medium[begin:begin + count]

    def inode(self, number):
        if not 0 < number <= self.inode_count:
            raise Unreadable(f"inode {number} is outside")
        group, index = divmod(number - 1, self.inodes_per_group)
        descriptor = (self.first_block + 1) * self.block_bytes + group * self.descriptor_bytes
        table, = struct.unpack("<I", self._part(descriptor + 8, 4))
        inode = Inode(number, self._part(
            table * self.block_bytes + index * self.inode_bytes, INODE_BYTES))
        if inode.links == 0 or inode.mode == 0:
            raise Unreadable(f"inode {number} is empty")
        return inode

    def extents(self, inode):
        """Each run of blocks: its first in the file, on the disk, and their count."""
        if not inode.flags & EXTENTS or inode.flags & INLINE_DATA:
            raise Unreadable(f"inode {inode.number} has no extents")
        return self._extents(inode.block)

    def _extents(self, node, depth=None):
        magic, count, _, level = struct.unpack_from("<HHHH", node, 0)
        if magic != 0xF30A or 12 + count * 12 > len(node) or level != (depth or level):
            raise Unreadable("an extent block is not one")
        result = []
        for index in range(count):
            place = 12 + index * 12
            if level == 0:
                first, length, high, low = struct.unpack_from("<IHHI", node, place)
                # More than 32768: allocated but never written.
                if length <= 32768:
                    result.append((first, low | high << 32, length))
            else:
                _, low, high = struct.unpack_from("<IIH", node, place)
                if level > 5:
                    raise Unreadable("extents are too deep")
                below = self._block(low | high << 32)
                if below[:2] != b"\x0a\xf3" or below[6] != level - 1:
                    raise Unreadable("an extent block is not one")
                result += self._extents(below)
        return result

    def content(self, inode, is_metadata=True):
        """The bytes of a file or directory; what is not there is zero."""
        if inode.size > self.block_count * self.block_bytes:
            raise Unreadable(f"inode {inode.number} is larger than all")
        result = bytearray(inode.size)
        for first, block, count in self.extents(inode):
            for index in range(count):
                begin = (first + index) * self.block_bytes
                if begin >= inode.size:
                    break
                data = self._block(block + index, is_metadata)
                result[begin:begin + self.block_bytes] = data[:inode.size - begin]
        return bytes(result)

    def is_same(self, inode, expected):
        """Whether a file holds these bytes."""
        if inode.size != len(expected):
            return False
        done = 0
        for first, block, count in sorted(self.extents(inode)):
            begin = first * self.block_bytes
            length = min(count * self.block_bytes, inode.size - begin)
            if begin > done and any(expected[done:begin]):
                return False
            place = self.start + block * self.block_bytes
            if not memory.is_same(self.medium, place, expected, begin, length):
                return False
            done = begin + length
        return not any(expected[done:])

    def entries(self, directory):
        """The names in a directory: {name: inode number}."""
        if not stat.S_ISDIR(directory.mode):
            raise Unreadable(f"inode {directory.number} is not a directory")
        content, result, place = self.content(directory), {}, 0
        while place + 8 <= len(content):
            number, length, name_length = struct.unpack_from("<IHB", content, place)
            if length < 8 or length % 4 or place % self.block_bytes + length > self.block_bytes:
                raise Unreadable(f"directory {directory.number} is damaged")
            if number and name_length:
                name = content[place + 8:place + 8 + name_length].decode("utf-8", "replace")
                if name not in (".", ".."):
                    result[name] = number
            place += length
        return result

    def link(self, inode):
        """Where a symbolic link leads."""
        if not stat.S_ISLNK(inode.mode):
            raise Unreadable(f"inode {inode.number} is not a link")
        if inode.size < 60 and not inode.flags & EXTENTS:
            return inode.block[:inode.size].decode()
        return self.content(inode).decode()

    def find(self, path, follows=True):
        """The inode that has this name; `follows` the link that it may be."""
        trail, names, left = [self.inode(ROOT)], path.split("/"), LINKS_MAX
        while names:
            name = names.pop(0)
            if name in ("", "."):
                continue
            if name == "..":
                trail = trail[:-1] or trail
                continue
            number = self.entries(trail[-1]).get(name)
            if number is None:
                raise Unreadable(f"'{path}': no '{name}'")
            found = self.inode(number)
            if stat.S_ISLNK(found.mode) and (follows or names):
                left -= 1
                if left == 0:
                    raise Unreadable(f"'{path}': too many links")
                target = self.link(found)
                names = target.split("/") + names
                trail = trail[:1] if target.startswith("/") else trail
            else:
                trail.append(found)
        return trail[-1]

    def exists(self, path):
        try:
            self.find(path, follows=False)
        except DAMAGE:
            return False
        return True

    def read(self, path):
        return self.content(self.find(path))

    def walk(self, path):
        """All below a directory, as (path relative to it, inode); the directory itself is ''."""
        todo, left = [("", self.find(path))], self.inode_count
        while todo:
            left -= 1
            if left < 0:
                raise Unreadable(f"'{path}' never ends")
            name, inode = todo.pop()
            yield name, inode
            if stat.S_ISDIR(inode.mode):
                for child, number in self.entries(inode).items():
                    todo.append((f"{name}/{child}" if name else child, self.inode(number)))
