# SPDX-License-Identifier: Apache-2.0
"""Compares parts of large byte strings and mapped files without a copy of either."""
import ctypes

_compare = ctypes.CDLL(None).memcmp
_compare.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]


def _address(memory):
    if isinstance(memory, bytes):
        return ctypes.cast(ctypes.c_char_p(memory), ctypes.c_void_p).value
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def is_same(one, one_begin, other, other_begin, count):
    """Whether `count` bytes from these places on are the same."""
    if one_begin + count > len(one) or other_begin + count > len(other):
        return False
    return _compare(_address(one) + one_begin, _address(other) + other_begin, count) == 0
