"""A publisher or a consumer in a process of its own, to be killed at any moment.

A publisher writes a number once everything up to it was flushed. A consumer writes what it took, as ``took 1 2 3``,
and then, once that was acknowledged, ``acked 1 2 3``. A line is complete or absent: each is one small write.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from blampert_env.errors import StorageError
from blampert_env.telemetry.bus import Policy, open_bus

POLICY = Policy(max_length=10_000_000, lease_s=30.0, max_attempts=1_000)
TOPIC = "agent.actions"


def publish(address: str, first: int, count: int) -> None:
    with open_bus(address, policy=POLICY) as bus:
        for number in range(first, first + count):
            assert bus.publish(TOPIC, {"n": number, "source": "x" * 500})
            if number % 50 == 0:
                bus.flush()
                os.write(1, f"{number}\n".encode())  # and with it every number before it
        bus.flush()
        os.write(1, f"{first + count - 1}\n".encode())


def consume(address: str, name: str) -> None:
    with open_bus(address, policy=POLICY) as bus, bus.consume(TOPIC, "group", name) as consumer:
        while True:
            with suppress(StorageError):  # the server is away: what was taken comes again
                messages = consumer.get_many(37, 0.5)
                numbers = " ".join(str(message.value["n"]) for message in messages)
                if messages:
                    os.write(1, f"took {numbers}\n".encode())
                    if consumer.ack(*messages) == len(messages):
                        os.write(1, f"acked {numbers}\n".encode())


if __name__ == "__main__":
    if sys.argv[1] == "publish":
        publish(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        consume(sys.argv[2], sys.argv[3])
