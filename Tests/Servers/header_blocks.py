# SPDX-License-Identifier: Apache-2.0
"""Header blocks of HTTP/2 (RFC 7541): read by libnghttp2, written in their plainest form."""
import ctypes

library = ctypes.CDLL("libnghttp2.so.14")
library.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t


class Field(ctypes.Structure):
    """nghttp2_nv"""
    _fields_ = [("name", ctypes.POINTER(ctypes.c_uint8)), ("value", ctypes.POINTER(ctypes.c_uint8)),
                ("name_count", ctypes.c_size_t), ("value_count", ctypes.c_size_t),
                ("flags", ctypes.c_uint8)]


class Inflater:
    """The tables of one connection. nghttp2_hd_inflate_hd2(3)."""
    FINAL, EMIT = 1, 2

    def __init__(self):
        self.state = ctypes.c_void_p()
        library.nghttp2_hd_inflate_new(ctypes.byref(self.state))

    def __del__(self):
        library.nghttp2_hd_inflate_del(self.state)

    def read(self, data):
        """The fields of a whole block by their names."""
        fields, field, flags = {}, Field(), ctypes.c_int()
        while True:
            buffer = ctypes.create_string_buffer(data, len(data))
            count = library.nghttp2_hd_inflate_hd2(
                self.state, ctypes.byref(field), ctypes.byref(flags), buffer,
                ctypes.c_size_t(len(data)), 1)
            if count < 0:
                raise ValueError(f"bad header block: {count}")
            data = data[count:]
            if flags.value & self.EMIT:
                name = bytes(field.name[:field.name_count]).decode("latin-1")
                fields[name] = bytes(field.value[:field.value_count]).decode("latin-1")
            if flags.value & self.FINAL:
                library.nghttp2_hd_inflate_end_headers(self.state)
                return fields


def integer(value):
    """With a prefix of 7 bits. RFC 7541 5.1."""
    if value < 127:
        return bytes([value])
    value -= 127
    data = [127]
    while value >= 128:
        data.append(value % 128 + 128)
        value //= 128
    return bytes(data + [value])


def block(fields):
    """Literals without indexing, names included. RFC 7541 6.2.2."""
    data = b""
    for name, value in fields:
        name, value = name.encode("latin-1"), value.encode("latin-1")
        data += b"\0" + integer(len(name)) + name + integer(len(value)) + value
    return data
