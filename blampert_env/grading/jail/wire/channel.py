"""Messages: length, JSON, and open files beside them.

All ends of the channels between the trainer, the base, the lanes and the zygotes are trusted; nothing of a candidate
ever holds one. On the one between tests and candidate no files are taken, and lengths are limited.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_LENGTH = struct.Struct("!I")
_ANY_LENGTH = 1 << 32
_MAX_FDS = 8


class Closed(Exception):
    """The other end is gone."""


def pack(message: Mapping[str, Any]) -> bytes:
    """A message as it goes over a channel; raises ValueError for what JSON lacks."""
    data = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(data)) + data


def send(sock: socket.socket, message: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
    """Send one message.

    Raises:
        Closed: Nobody is there.
    """
    data = pack(message)
    try:
        if fds:
            data = data[socket.send_fds(sock, [data[: _LENGTH.size]], list(fds)) :]
        sock.sendall(data)
    except OSError as error:
        raise Closed(str(error)) from error


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Wait for one message and the files that came with it.

    Raises:
        Closed: The other end went away.
    """
    try:
        head, fds, _, _ = socket.recv_fds(sock, _LENGTH.size, _MAX_FDS)
        return _message(sock, head, _ANY_LENGTH), fds
    except OSError as error:
        raise Closed(str(error)) from error


def receive_only(sock: socket.socket, limit: int) -> Any:
    """Wait for one message, which may be anything, and take no file.

    Raises:
        Closed: The other end went away.
        ValueError: It is no JSON, or longer than the limit.
    """
    try:
        return _message(sock, b"", limit)
    except OSError as error:
        raise Closed(str(error)) from error


def _message(sock: socket.socket, head: bytes, limit: int) -> Any:
    size = _LENGTH.unpack(head + _exactly(sock, _LENGTH.size - len(head)))[0]
    if size > limit:
        raise ValueError(f"{size:,} bytes")
    return json.loads(_exactly(sock, size))


def _exactly(sock: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = sock.recv(min(size, 1 << 20))
        if not part:
            raise Closed("the other end closed the channel")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
