"""What every bus promises."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from blampert_env.errors import UsageError
from blampert_env.telemetry.bus import Bus, Message, Policy, bus_metrics
from blampert_env.telemetry.bus.protocol import Receiver

OpenBus = Callable[..., Bus]


def values(messages: list[Message]) -> list[object]:
    return [message.value for message in messages]


def drain(receiver: Receiver, count: int, timeout_s: float = 5.0) -> list[Message]:
    """Receive ``count`` messages, or what came until the time was over."""
    found: list[Message] = []
    deadline = time.monotonic() + timeout_s
    while len(found) < count and (left := deadline - time.monotonic()) > 0:
        found += receiver.get_many(count - len(found), left)
    return found


def test_every_subscriber_gets_every_message_of_its_topics(bus: Bus) -> None:
    bus.publish("agent.actions", "before anybody listens")
    bus.flush(5)
    with bus.subscribe("agent.*") as everything, bus.subscribe("logs.*") as logs:
        for number in range(5):
            assert bus.publish("agent.actions", {"n": number}, key=f"k{number}") > 0
        bus.publish("logs.ctx.backend", "two dots")
        bus.publish("other", None)
        bus.flush(5)
        got = drain(everything, 5)
        assert values(got) == [{"n": number} for number in range(5)]
        assert [message.key for message in got] == [f"k{number}" for number in range(5)]
        assert {message.topic for message in got} == {"agent.actions"}
        assert all(abs(message.time - time.time()) < 60 for message in got)
        assert values(drain(logs, 1)) == ["two dots"]
        assert everything.get(0.05) is None
        assert everything.missed == logs.missed == 0


def test_a_group_shares_the_messages_and_another_gets_them_all(bus: Bus) -> None:
    for number in range(10):
        bus.publish("work", number)
    bus.flush(5)
    with (
        bus.consume("work", "one", "a") as a,
        bus.consume("work", "one", "b") as b,
        bus.consume("work", "two", "c") as c,
    ):
        shared = [*a.get_many(3, 5), *b.get_many(3, 5), *drain(a, 4)]
        assert sorted(values(shared)) == list(range(10))
        assert all(message.attempts == 1 for message in shared)
        assert values(drain(c, 10)) == list(range(10))
        assert a.get(0.05) is None
        assert a.ack(*[message for message in shared[:3]]) == 3
        assert a.ack(shared[0]) == 0  # it is not a's any more
        assert b.ack(shared[0]) == 0
        assert bus.depths().groups["work"] == {"one": [7], "two": [10]}


def test_a_wait_ends_with_the_first_message(bus: Bus) -> None:
    with bus.consume("work", "g", "a") as consumer, bus.subscribe("work") as subscription:
        timer = threading.Timer(0.1, lambda: bus.publish("work", "late"))
        timer.start()
        started = time.monotonic()
        assert consumer.get(10).value == subscription.get(10).value == "late"  # type: ignore[union-attr]
        assert 0.05 < time.monotonic() - started < 5
        timer.join()


def test_closing_a_receiver_ends_a_wait_in_another_thread(bus: Bus) -> None:
    for receiver in (bus.consume("work", "g", "a"), bus.subscribe("work")):
        results: list[object] = []
        thread = threading.Thread(target=lambda it=receiver, into=results: into.append(it.get()))
        thread.start()
        time.sleep(0.05)
        receiver.close()
        receiver.close()
        thread.join(5)
        assert results == [None]


def test_a_refused_message_comes_again_later_then_dies(open_it: OpenBus) -> None:
    bus = open_it(max_attempts=3, backoff_s=0.05, max_backoff_s=0.06)
    with bus.consume("work", "g", "a") as consumer, bus.subscribe("agent.deadletter") as dead:
        bus.publish("work", {"x": 1}, key="k")
        waits = []
        refused = time.monotonic()
        for attempt in (1, 2, 3):
            message = consumer.get(5)
            waits.append(time.monotonic() - refused)
            assert message is not None
            assert message.attempts == attempt
            refused = time.monotonic()
            consumer.nack(message, "the disk is full")
        assert waits[1] >= 0.049
        assert waits[2] >= 0.059  # doubled, but for its bound
        assert waits[2] < 2
        assert consumer.get(0.2) is None
        (letter,) = bus.dead_letters.list()
        assert (letter.topic, letter.group, letter.key, letter.text) == ("work", "g", "k", '{"x":1}')
        assert letter.reason == "the disk is full (delivered 3 times)"
        assert letter.attempts == 3
        assert bus.dead_letters.counts() == {"work": 1}
        assert bus.dead_letters.last_ts == pytest.approx(time.time(), abs=60)
        announced = dead.get(5)
        assert announced is not None
        assert announced.value == {"topic": "work", "group": "g", "key": "k", "reason": letter.reason}
        assert bus.depths().groups["work"] == {"g": [0]}


def test_a_lease_that_ends_gives_the_message_to_another(open_it: OpenBus) -> None:
    bus = open_it(lease_s=0.15, max_attempts=2)
    with bus.consume("work", "g", "slow") as slow, bus.consume("work", "g", "other") as other:
        bus.publish("work", "x")
        held = slow.get(5)
        assert held is not None
        again = other.get(5)
        assert again is not None
        assert (again.value, again.attempts) == ("x", 2)
        assert slow.ack(held) == 0  # too late
        time.sleep(0.2)
        assert slow.get(0.5) is None
        (letter,) = bus.dead_letters.list()
        assert "not acknowledged within 0.15 s (delivered 2 times)" in letter.reason


def test_a_consumer_that_leaves_gives_back_at_once_what_it_held(bus: Bus) -> None:
    bus.publish("work", "x")
    with bus.consume("work", "g", "b") as stays:
        leaves = bus.consume("work", "g", "a")
        assert leaves.get(5) is not None
        leaves.close()
        again = stays.get(2)
        assert again is not None
        assert (again.value, again.attempts) == ("x", 2)
        assert stays.ack(again) == 1


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), {"a": b"bytes"}])
def test_what_json_cannot_hold_is_kept_as_its_repr(bus: Bus, value: object) -> None:
    assert bus.publish("agent.metrics", value, key="k") > 0
    bus.flush(5)
    (letter,) = bus.dead_letters.list()
    assert letter.text is None
    assert letter.repr == repr(value)
    assert letter.reason.startswith("cannot be written as JSON: ")
    assert (letter.topic, letter.group, letter.key) == ("agent.metrics", None, "k")
    assert bus.dead_letters.redrive() == 0  # a repr cannot be sent
    assert bus.dead_letters.show(letter.id) == letter


def test_a_value_whose_methods_raise_does_not_reach_the_publisher(bus: Bus) -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    endless: list[object] = []
    endless.append(endless)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (Hostile(), endless, deep, {"a": Hostile()}):
        assert bus.publish("t", value) > 0
    bus.flush(5)
    assert bus.dead_letters.counts() == {"t": 4}


@pytest.mark.parametrize("text", ["ä→\U0001f600", "\ud800 alone", "\x00", "'; DROP TABLE messages; --"])
def test_any_text_is_kept_exactly(bus: Bus, text: str) -> None:
    with bus.subscribe("t") as subscription:
        bus.publish("t", {text: text}, key=text.encode("ascii", "replace").decode())
        message = subscription.get(5)
        assert message is not None
        assert message.value == {text: text}


def test_consumers_do_not_share_a_value(bus: Bus) -> None:
    sent = {"list": [1]}
    with bus.subscribe("t") as one, bus.subscribe("t") as two:
        bus.publish("t", sent)
        sent["list"].append(2)
        first, second = one.get(5), two.get(5)
        assert first is not None
        assert second is not None
        first.value["list"].append(3)
        assert first.value == second.value == {"list": [1]}


def test_a_full_topic_buries_what_a_group_has_not_had_and_loses_nothing(open_it: OpenBus) -> None:
    bus = open_it(max_length=50)
    with bus.consume("work", "g", "a") as consumer, bus.subscribe("work") as subscription:
        for number in range(500):
            bus.publish("work", number)
        bus.flush(5)
        left = values(consumer.get_many(500, 5))
        assert 50 <= len(left) <= 55
        assert left == list(range(500 - len(left), 500))
        letters = bus.dead_letters.list("work", limit=-1)
        assert [int(str(letter.text)) for letter in letters] == list(range(500 - len(left)))
        assert {letter.reason for letter in letters} == {"queue full (50 messages)"}
        seen = values(drain(subscription, 500, 1))
        assert seen == list(range(500 - len(seen), 500))
        assert subscription.missed == 500 - len(seen) > 0


def test_redriven_letters_go_to_the_group_that_did_not_take_them(open_it: OpenBus) -> None:
    bus = open_it(max_attempts=1)
    with bus.consume("work", "bad", "a") as bad, bus.consume("work", "good", "b") as good:
        for number in range(3):
            bus.publish("work", number)
        bus.flush(5)
        for message in drain(bad, 3):
            bad.nack(message, "no")
        good.ack(*drain(good, 3))
        letters = bus.dead_letters.list()
        assert bus.dead_letters.redrive(ids=[letters[1].id]) == 1
        again = bad.get(5)
        assert again is not None
        assert (again.value, again.attempts) == (1, 1)
        assert bad.ack(again) == 1
        assert good.get(0.1) is None
        assert bus.dead_letters.redrive("nothing.*") == 0
        assert bus.dead_letters.redrive("wor*") == 2
        assert values(drain(bad, 2)) == [0, 2]
        assert bus.dead_letters.counts() == {}


def test_letters_can_be_purged(open_it: OpenBus) -> None:
    bus = open_it()
    for topic in ("a.x", "a.x", "a.y", "b"):
        bus.publish(topic, {topic})
    bus.flush(5)
    dead = bus.dead_letters
    assert dead.counts() == {"a.x": 2, "a.y": 1, "b": 1}
    assert len(dead.list("a.*", limit=2)) == 2
    assert [letter.topic for letter in dead.list("a.*")] == ["a.x", "a.x", "a.y"]
    assert dead.purge(ids=[dead.list("b")[0].id]) == 1
    assert dead.purge("a.x") == 2
    assert dead.purge() == 1
    assert dead.purge() == 0
    assert (dead.counts(), dead.last_ts) == ({}, None)
    with pytest.raises(UsageError, match="no dead letter '99'"):
        dead.purge(ids=["99"])


def test_metrics_have_exactly_the_documented_shape(open_it: OpenBus) -> None:
    bus = open_it()
    groups = [bus.consume("agent.results", f"worker-{letter}", "1") for letter in "AB"]
    with bus.subscribe("agent.results.*"), bus.subscribe("agent.results.backend") as second, groups[0], groups[1]:
        bus.publish("agent.results.backend", 1)
        bus.publish("agent.metrics", {1})
        bus.flush(5)
        drain(second, 1)
        metrics = bus_metrics(bus)
    assert set(metrics) == {"dlq", "bus"}
    assert metrics["dlq"].pop("last_ts") == pytest.approx(time.time(), abs=60)
    assert metrics["dlq"] == {"total": 1, "by_topic": {"agent.metrics": 1}}
    assert metrics["bus"]["dlq_total"] == 1
    assert metrics["bus"]["topics"]["agent.results.backend"] == [1, 0]
    assert metrics["bus"]["groups"] == {"agent.results": {"worker-A": [0], "worker-B": [0]}}


def test_metrics_of_an_empty_bus(bus: Bus) -> None:
    assert bus_metrics(bus) == {
        "dlq": {"total": 0, "by_topic": {}, "last_ts": None},
        "bus": {"dlq_total": 0, "topics": {}, "groups": {}},
    }


@pytest.mark.parametrize("topic", ["", "two words", "a*", "x" * 201, "a\x00", None])
def test_what_is_no_topic_is_refused(bus: Bus, topic: str) -> None:
    with pytest.raises(UsageError, match="is no topic"):
        bus.publish(topic, 1)


def test_bounds_that_cannot_work_are_refused() -> None:
    with pytest.raises(UsageError, match="max_length must be at least 1, not 0"):
        Policy(max_length=0)
    with pytest.raises(UsageError, match="lease_s"):
        Policy(lease_s=0)
    assert Policy().delay(10_000) == Policy().max_backoff_s
    assert Policy(backoff_s=0.1).delay(3) == pytest.approx(0.4)


def test_a_dropped_group_starts_anew(bus: Bus) -> None:
    bus.publish("work", 1)
    bus.flush(5)
    with bus.consume("work", "g", "a") as consumer:
        assert consumer.get(5) is not None
    bus.drop_group("work", "g")
    assert "work" not in bus.depths().groups
    with bus.consume("work", "g", "a") as consumer:
        message = consumer.get(5)
        assert message is not None
        assert message.attempts == 1


def test_many_threads_lose_and_double_nothing(open_it: OpenBus) -> None:
    bus = open_it()
    done: Counter[int] = Counter()
    lock = threading.Lock()

    def work(name: str) -> None:
        with bus.consume("work", "g", name) as consumer:
            while messages := consumer.get_many(20, 1.0):
                consumer.ack(*messages)
                with lock:
                    done.update(message.value for message in messages)

    def send(first: int) -> None:
        for number in range(first, first + 500):
            assert bus.publish("work", number)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(3)]
    threads += [threading.Thread(target=send, args=(500 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == Counter(range(2000))
