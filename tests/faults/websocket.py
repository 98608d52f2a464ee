"""A small RFC 6455 client: enough to speak well, and to misspeak on purpose."""

import base64
import os
import socket
import struct
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Closed(Exception):
    """The connection is over; `code` is the close frame's, or None when it was cut."""

    def __init__(self, code=None, reason=""):
        self.code, self.reason = code, reason
        super().__init__(f"closed: {code} {reason}")


class Rejected(Exception):
    """The upgrade was answered with something else than 101."""

    def __init__(self, status):
        self.status = status
        super().__init__(f"upgrade answered with {status}")


class WebSocket:
    """A client's end of a WebSocket."""

    def __init__(self, uri, query="", timeout=20.0):
        parts = urlsplit(uri)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.answers_pings = True
        try:
            self._shake_hands(parts, query)
        except BaseException:
            self.socket.close()
            raise

    def _shake_hands(self, parts, query):
        key = base64.b64encode(os.urandom(16)).decode()
        target = (parts.path or "/") + (f"?{query}" if query else "")
        self.socket.sendall(
            (
                f"GET {target} HTTP/1.1\r\nHost: {parts.hostname}:{parts.port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            self._read_more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            raise Rejected(status)

    def _read_more(self):
        try:
            read = self.socket.recv(1 << 16)
        except (ConnectionError, BrokenPipeError) as error:
            raise Closed(None, str(error)) from error
        if not read:
            raise Closed(None, "end of stream")
        self.buffer += read

    def _take(self, count):
        while len(self.buffer) < count:
            self._read_more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def frame(self):
        """Reads one frame: (final, opcode, payload)."""
        first, second = self._take(2)
        if second & 0x80:
            raise AssertionError("a server must not mask")
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._take(8))
        return bool(first & 0x80), first & 0x0F, self._take(length)

    def text(self):
        """Reads the next text message; answers pings; raises `Closed` on a close frame."""
        message = b""
        while True:
            final, opcode, payload = self.frame()
            if opcode == PING:
                if self.answers_pings:
                    self.send(payload, PONG)
            elif opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
                raise Closed(code, payload[2:].decode(errors="replace"))
            elif opcode in (TEXT, CONTINUATION):
                message += payload
                if final:
                    return message.decode()
            elif opcode != PONG:
                raise AssertionError(f"unexpected opcode {opcode}")

    def send(self, payload, opcode=TEXT, *, final=True, masked=True, reserved=0, claimed=None):
        """Sends one frame; the keywords make it a wrong one."""
        if isinstance(payload, str):
            payload = payload.encode()
        length = len(payload) if claimed is None else claimed
        head = bytes([(0x80 if final else 0) | (reserved << 4) | opcode])
        mask_bit = 0x80 if masked else 0
        if length < 126:
            head += bytes([mask_bit | length])
        elif length < 1 << 16:
            head += bytes([mask_bit | 126]) + struct.pack(">H", length)
        else:
            head += bytes([mask_bit | 127]) + struct.pack(">Q", length)
        if masked:
            mask = os.urandom(4)
            payload = bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
            head += mask
        try:
            self.socket.sendall(head + payload)
        except OSError as error:
            raise Closed(None, str(error)) from error

    def close(self):
        self.socket.close()
