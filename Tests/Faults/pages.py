"""Which page of an LMDB file belongs to what: read from the file itself, without LMDB."""

import struct

PAGE = 4096
INVALID = (1 << 64) - 1


def owners(data):
    """By page number: the name of its table, `main`, `free list` or `meta`; what is in no tree is `unused`."""
    found = {0: "meta", 1: "meta"}
    newest = max((0, 1), key=lambda page: struct.unpack_from("<Q", data, page * PAGE + 144)[0])
    base = newest * PAGE + 40
    walk(data, struct.unpack_from("<Q", data, base + 40)[0], "free list", found)
    walk(data, struct.unpack_from("<Q", data, base + 88)[0], "main", found)
    return [found.get(page, "unused") for page in range(len(data) // PAGE)]


def walk(data, root, name, found):
    waiting = [] if root == INVALID else [root]
    while waiting:
        page = waiting.pop()
        found[page] = name
        start = page * PAGE
        flags, lower = struct.unpack_from("<HH", data, start + 10)
        for index in range((lower - 16) // 2):
            node = start + struct.unpack_from("<H", data, start + 16 + 2 * index)[0]
            low, high, kind, key_bytes = struct.unpack_from("<HHHH", data, node)
            value = node + 8 + key_bytes
            if flags & 1:
                waiting.append(low | high << 16 | kind << 32)
            elif kind & 2:
                walk(data, struct.unpack_from("<Q", data, value + 40)[0], data[node + 8:value].decode(), found)
            elif kind & 1:
                first = struct.unpack_from("<Q", data, value)[0]
                for own in range(((low | high << 16) + 15) // PAGE + 1):
                    found[first + own] = name
