"""Peer: one end of the wire between tests and candidate; requests may go both ways and nest."""

from __future__ import annotations

import socket
import threading
from collections.abc import Collection
from typing import Any

from . import channel, remote
from .errors import CandidateGone, ProtocolError, Unsupported
from .objects import Objects
from .surroundings import Surroundings

__tracebackhide__ = True  # in what pytest shows of a failure
MAX_MESSAGE = 64 * 2**20


class Peer(Objects):
    """Sends requests and serves those that come back meanwhile.

    Args:
        sock: Connected to the other side.
        first_key: 0 for the tests, 1 for the candidate.
        modules: Names of the candidate's modules.

    Attributes:
        gone: Whether the other side has ended, or broken the protocol.
        surroundings: Of this process; looked at before each message.
    """

    confesses = False  # whether the other side is told what this one refused
    surroundings: Surroundings

    def __init__(self, sock: socket.socket, first_key: int, modules: Collection[str]) -> None:
        super().__init__(first_key, modules)
        self.gone = False
        self.sock = sock
        self.lock = threading.RLock()
        remote.use(self)

    def request(self, op: str, *args: Any) -> Any:
        """Ask the other side and wait for its answer.

        Raises:
            BaseException: What was raised there.
            Unsupported: Something cannot be carried, which is noted.
        """
        with self.lock:
            try:
                self._send("q", op, *args)
            except Unsupported as problem:
                raise self.refuse(str(problem)) from None
            while "q" in (message := self._receive()):
                self.serve(message)
            if "ok" in message:
                return self._take(message, "ok")
            error = self._take(message, "err")
        raise error

    def serve(self, message: dict[str, Any]) -> None:
        """Do what the other side asks and answer."""
        try:
            op, *args = self._take(message, "q")
            answer = self.handle(op, args)
            del args  # what nothing else holds need not be shared any longer
            with self.lock:
                self._send("ok", answer)
        except BaseException as error:
            if self.gone:
                raise
            if isinstance(error, Unsupported):
                self.refuse(str(error))
            with self.lock:
                self._send("err", error)
            error.__traceback__ = None

    def handle(self, op: str, args: list[Any]) -> Any:
        """The answer to a request; subclasses decide what may be asked."""
        raise NotImplementedError

    def special(self, stand_in: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a special method of what a stand-in stands for, ``__call__`` among them."""
        return self.request("special", stand_in, name, args, tuple(kwargs.items()))

    def _send(self, kind: str, *values: Any) -> None:
        self.surroundings.look()
        known, alone = len(self.objects), self.unheld()
        try:
            payload = [self.encode(value) for value in values]
            message: dict[str, Any] = {kind: payload if kind == "q" else payload[0]}
            if self.confesses and self.unsupported:
                message["u"] = self.unsupported
            if self.shared:
                message |= {"c": self.changes(), "r": alone}
            data = channel.pack(message)
            if len(data) > MAX_MESSAGE:
                raise Unsupported("a value of more than 64 MB")
        except (Unsupported, ValueError) as problem:  # JSON has no numbers of very many digits
            self.forget(list(self.objects)[known:])
            raise Unsupported(str(problem)) from None
        self.forget(alone)
        if self.confesses:
            self.unsupported = []
        self.write(data)

    def write(self, data: bytes) -> None:
        """Put a message on the wire."""
        try:
            self.sock.sendall(data)
        except OSError:
            raise self.over("the process has ended") from None

    def over(self, why: str) -> CandidateGone:
        """Nothing that the other side says counts from now on; the error to raise."""
        self.gone = True
        return CandidateGone(f"the candidate is gone: {why}"[:300])

    def _receive(self) -> dict[str, Any]:
        try:
            return dict(channel.receive_only(self.sock, MAX_MESSAGE))
        except channel.Closed:
            raise self.over("the process has ended") from None
        except (TypeError, ValueError, RecursionError, MemoryError) as error:
            raise self.over(f"a message that is none ({error})") from None

    def _take(self, message: dict[str, Any], kind: str) -> Any:
        try:
            return self.decoded(message, kind)
        except Unsupported:
            raise
        except Exception as error:
            raise self.over(f"a message against the protocol ({error})") from None

    def decoded(self, message: dict[str, Any], kind: str) -> Any:
        """The payload, once everything else in the message is taken in."""
        payload = message[kind]
        value = [payload[0], *map(self.decode, payload[1:])] if kind == "q" else self.decode(payload)
        if kind == "err" and not isinstance(value, BaseException):
            raise ProtocolError("an error that is none")
        self.take_changes(message.get("c", ()))
        self.forget([key for key in message.get("r", ()) if key in self.shared])
        for what in message.get("u", ()):
            self.refuse(str(what))
        return value
