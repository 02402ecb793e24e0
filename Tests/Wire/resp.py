"""The smallest RESP client there is: sends bytes as they are, and reads answers without mending them.

The tests with real clients use `redis`; this one is for what a real client would never send.
"""

import socket


class Refused(Exception):
    """An error answer. `code` is its first word."""

    def __init__(self, text):
        super().__init__(text)
        self.code = text.split(" ", 1)[0]


class Closed(Exception):
    """The other end closed the connection."""


def frame(*words):
    """A command as the wire has it."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


class Connection:
    """One connection. Answers are Python values: maps are dicts, texts are bytes, errors are `Refused` values."""

    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Connected before there is a timeout: with one, Linux refuses at once (EAGAIN) while many others are let in.
        self.socket.connect(str(path))
        self.socket.settimeout(timeout)
        self.buffer = bytearray()
        self.start = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, *words):
        self.send_bytes(frame(*words))

    def call(self, *words):
        """Sends a command and returns its answer; raises `Refused` for an error."""
        self.send(*words)
        return self.answer()

    def answer(self):
        value = self.read()
        if isinstance(value, Refused):
            raise value
        return value

    def read(self):
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            return Refused(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$" or kind == b"=":
            data = None if rest == b"-1" else self._bytes(int(rest))
            return data[4:] if kind == b"=" else data
        if kind == b"*" or kind == b"~" or kind == b">":
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        if kind == b"%":
            return {self.read().decode(): self.read() for _ in range(int(rest))}
        if kind == b"_":
            return None
        if kind == b"#":
            return rest == b"t"
        if kind == b",":
            return float(rest)
        raise AssertionError(f"no RESP type begins with {kind!r}")

    def is_closed(self):
        """Waits until the other end closes; false if it sends something instead."""
        try:
            return self.start == len(self.buffer) and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _line(self):
        while True:
            end = self.buffer.find(b"\r\n", self.start)
            if end >= 0:
                line = bytes(self.buffer[self.start:end])
                self.start = end + 2
                return line
            self._fill()

    def _bytes(self, count):
        while len(self.buffer) - self.start < count + 2:
            self._fill()
        data = bytes(self.buffer[self.start:self.start + count])
        assert self.buffer[self.start + count:self.start + count + 2] == b"\r\n"
        self.start += count + 2
        return data

    def _fill(self):
        if self.start > 1 << 16:
            del self.buffer[:self.start]
            self.start = 0
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed
        self.buffer += data

def as_map(answer):
    """RESP2 writes a map as a flat array."""
    if isinstance(answer, list):
        answer = dict(zip(answer[::2], answer[1::2], strict=True))
    return {key.decode() if isinstance(key, bytes) else key: value for key, value in answer.items()}
