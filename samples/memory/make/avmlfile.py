"""Read LiME v1 and AVML v2, apart from the writer: libsnappy does the work."""
import ctypes
import struct

TABLE = []
for _i in range(256):
    for _ in range(8):
        _i = _i >> 1 ^ (0x82f63b78 if _i & 1 else 0)
    TABLE.append(_i)


def crc32c(data):
    c = 0xffffffff
    for b in data:
        c = c >> 8 ^ TABLE[(c ^ b) & 255]
    return c ^ 0xffffffff


def uncompress(lib, data):
    n = ctypes.c_size_t()
    assert lib.snappy_uncompressed_length(
        data, ctypes.c_size_t(len(data)), ctypes.byref(n)) == 0
    out = ctypes.create_string_buffer(n.value)
    assert lib.snappy_uncompress(data, ctypes.c_size_t(len(data)), out,
                                 ctypes.byref(n)) == 0
    return out.raw[:n.value]


def stream(lib, f, size, crc=True):
    """One framed stream of `size` plain bytes; its length stands behind it."""
    at0, parts, have = f.tell(), [], 0
    assert f.read(10) == b"\xff\x06\0\0sNaPpY"
    while have < size:
        head = struct.unpack("<I", f.read(4))[0]
        kind, n = head & 255, head >> 8
        body = f.read(n)
        assert kind in (0, 1) and len(body) == n
        want = struct.unpack("<I", body[:4])[0]
        plain = uncompress(lib, body[4:]) if kind == 0 else body[4:]
        assert 0 < len(plain) <= 65536
        if crc:
            c = crc32c(plain)
            assert ((c >> 15 | c << 17) + 0xa282ead8) & 0xffffffff == want
        parts.append(plain)
        have += len(plain)
    assert have == size
    length = f.tell() - at0
    assert struct.unpack("<Q", f.read(8))[0] == length
    return b"".join(parts)


def ranges(path, crc=True):
    lib = ctypes.CDLL("libsnappy.so.1")
    out, last = [], -1
    with open(path, "rb") as f:
        while True:
            head = f.read(32)
            if not head:
                return out
            magic, version, start, end, zero = struct.unpack("<4sIQQQ", head)
            assert not zero and start > last and end >= start
            last, size = end, end - start + 1
            if magic == b"AVML":
                assert version == 2
                out.append((start, stream(lib, f, size, crc)))
            else:
                assert magic == b"EMiL" and version == 1
                data = f.read(size)
                assert len(data) == size
                out.append((start, data))


def joined(parts):
    """Neighbouring ranges put together."""
    out = []
    for start, data in parts:
        if out and out[-1][0] + len(out[-1][1]) == start:
            out[-1] = (out[-1][0], out[-1][1] + data)
        else:
            out.append((start, data))
    return out
