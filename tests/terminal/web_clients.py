"""What the tests of the web server share: one to talk to, and clients that do not behave."""

from __future__ import annotations

import base64
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from tests.terminal.installations import ROOT, environment, free_port

STUB = str(ROOT / "tests" / "terminal" / "web_stub.py")


class Web:
    """A server with bounds of one's own."""

    def __init__(self, **bounds: object) -> None:
        self.port = free_port()
        words = [sys.executable, STUB, str(self.port), *(f"{name}={value}" for name, value in bounds.items())]
        self.process = subprocess.Popen(words, cwd=ROOT, env=environment())
        deadline = time.monotonic() + 30
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 5).close()
            except OSError:
                assert self.process.poll() is None, "the web server ended at its start"
                assert time.monotonic() < deadline, "the web server never listened"
                time.sleep(0.02)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def rss_mb(self) -> float:
        """Most it ever held."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

    def connect(self) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.port), 10)
        line.settimeout(20)
        return line


def head(path: str = "/", method: str = "POST", **headers: object) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: here"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(line: socket.socket) -> bytes:
    """Everything until the line is closed, or until a whole answer with a length is there; b"" when it was cut."""
    heard = b""
    while True:
        before, _, body = heard.partition(b"\r\n\r\n")
        length = before.lower().partition(b"content-length:")[2].split(b"\r\n")[0].strip()
        if length and len(body) >= int(length):
            return heard
        try:
            piece = line.recv(65536)
        except ConnectionError:
            return heard
        if not piece:
            return heard
        heard += piece


def upgrade(line: socket.socket, path: str, **headers: object) -> bytes:
    """Make it a WebSocket; the server's answer."""
    key = base64.b64encode(os.urandom(16)).decode()
    line.sendall(
        head(path, "GET", Upgrade="websocket", Connection="Upgrade", Sec_WebSocket_Key=key, Sec_WebSocket_Version=13, **headers)
    )  # fmt: skip
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += line.recv(1)
    return heard


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """A client's frame; its mask is zero, so the payload is as it is."""
    size = len(payload)
    if size < 126:
        length = bytes([128 | size])
    elif size < 65536:
        length = bytes([128 | 126]) + struct.pack(">H", size)
    else:
        length = bytes([128 | 127]) + struct.pack(">Q", size)
    return bytes([128 | opcode]) + length + bytes(4) + payload


def hear(line: socket.socket) -> tuple[int, bytes]:
    """The next frame of the server: opcode, payload."""
    first, second = _exactly(line, 2)
    size = second & 127
    if size == 126:
        (size,) = struct.unpack(">H", _exactly(line, 2))
    elif size == 127:
        (size,) = struct.unpack(">Q", _exactly(line, 8))
    return first & 15, _exactly(line, size)


def close_code(line: socket.socket) -> int:
    """What the server closes it with, whatever it says before."""
    while True:
        opcode, payload = hear(line)
        if opcode == 8:
            return int(struct.unpack(">H", payload[:2])[0])


def _exactly(line: socket.socket, count: int) -> bytes:
    heard = b""
    while len(heard) < count:
        piece = line.recv(count - len(heard))
        assert piece, "the line was cut"
        heard += piece
    return heard
