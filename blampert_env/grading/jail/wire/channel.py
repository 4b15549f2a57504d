"""Messages between the trainer, the base, the lanes and the zygotes: length, JSON, and open files beside them.

All ends of these channels are trusted; nothing of a candidate ever holds one.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

_LENGTH = struct.Struct("!I")
_MAX_FDS = 8


class Closed(Exception):
    """The other end is gone."""


def send(sock: socket.socket, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
    """Send one message.

    Raises:
        Closed: Nobody is there.
    """
    data = json.dumps(message).encode()
    try:
        if fds:
            socket.send_fds(sock, [_LENGTH.pack(len(data))], list(fds))
            sock.sendall(data)
        else:
            sock.sendall(_LENGTH.pack(len(data)) + data)
    except OSError as error:
        raise Closed(str(error)) from error


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Wait for one message and the files that came with it.

    Raises:
        Closed: The other end went away.
    """
    try:
        head, fds, _, _ = socket.recv_fds(sock, _LENGTH.size, _MAX_FDS)
        while len(head) < _LENGTH.size:
            more = sock.recv(_LENGTH.size - len(head)) if head else b""
            if not more:
                raise Closed("the other end closed the channel")
            head += more
        return json.loads(read_exactly(sock, _LENGTH.unpack(head)[0])), fds
    except OSError as error:
        raise Closed(str(error)) from error


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """``size`` bytes.

    Raises:
        Closed: The other end went away before.
    """
    parts = []
    while size:
        part = sock.recv(min(size, 1 << 20))
        if not part:
            raise Closed("the other end closed the channel")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
