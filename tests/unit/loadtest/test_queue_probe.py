"""The probe on a queue that behaves as SQS does, with the calls of boto3's client."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import pytest

from loadtest.queue_probe import Received, SqsProbe

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

URL = "http://127.9.0.1:4566/000000000000/q"


class Sqs:
    """Visible messages are handed over by tens, hidden until deleted or given back."""

    def __init__(self, *names: str) -> None:
        self.visible = list(names)
        self.hidden: list[str] = []
        self.deleted: list[str] = []
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def receive_message(self, **asked: Any) -> Mapping[str, Any]:  # noqa: ANN401 - boto3's keywords
        assert asked["MessageAttributeNames"] == ["All"]
        count = asked["MaxNumberOfMessages"]
        batch, self.visible = self.visible[:count], self.visible[count:]
        self.hidden += batch
        self.now_s += 0.01 if batch else asked["WaitTimeSeconds"]
        if not batch:
            return {}
        return {"Messages": [self.message(name) for name in batch]}

    def message(self, name: str) -> Mapping[str, Any]:
        return {
            "MessageId": name,
            "ReceiptHandle": f"receipt of {name}",
            "Body": f"body of {name}",
            "MessageAttributes": {"owner": {"DataType": "String", "StringValue": name[0]}},
        }

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> None:  # noqa: N803 - boto3's names
        assert QueueUrl == URL
        self.deleted += self.taken(Entries)

    def change_message_visibility_batch(
        self,
        *,
        QueueUrl: str,  # noqa: N803 - boto3's names
        Entries: Sequence[Mapping[str, Any]],  # noqa: N803
    ) -> None:
        assert QueueUrl == URL
        assert all(entry["VisibilityTimeout"] == 0 for entry in Entries)
        self.visible += self.taken(Entries)

    def taken(self, entries: Sequence[Mapping[str, Any]]) -> list[str]:
        assert 0 < len(entries) <= 10
        assert len({entry["Id"] for entry in entries}) == len(entries)
        names = [entry["ReceiptHandle"].removeprefix("receipt of ") for entry in entries]
        self.hidden = [name for name in self.hidden if name not in names]
        return names


def probe(sqs: Sqs) -> SqsProbe:
    return SqsProbe(cast("SQSClient", sqs), URL, clock=sqs.clock)


def is_ours(message: Received) -> bool:
    return message.attributes["owner"] == "o"


def test_ours_are_taken_and_others_given_back() -> None:
    sqs = Sqs("o1", "x1", "o2", "x2")

    found = probe(sqs).take(is_ours, enough=None, timeout_s=60)

    assert [message.id for message in found] == ["o1", "o2"]
    assert found[0].body == "body of o1"
    assert sqs.deleted == ["o1", "o2"]
    assert (sorted(sqs.visible), sqs.hidden) == (["x1", "x2"], [])


def test_it_stops_as_soon_as_there_are_enough() -> None:
    sqs = Sqs(*(f"o{n}" for n in range(25)))

    found = probe(sqs).take(is_ours, enough=15, timeout_s=60)

    # Two batches: what is in hand is kept, what is not asked for stays.
    assert len(found) == 20
    assert len(sqs.visible) == 5


def test_it_waits_for_what_has_not_arrived_but_not_for_ever() -> None:
    sqs = Sqs("o1")

    found = probe(sqs).take(is_ours, enough=2, timeout_s=20)

    assert len(found) == 1
    assert 20 <= sqs.now_s < 22


def test_a_silent_queue_is_believed_after_two_long_polls() -> None:
    sqs = Sqs()

    assert probe(sqs).take(is_ours, enough=None, timeout_s=60) == []
    assert sqs.now_s == pytest.approx(2)


def test_a_failure_on_the_way_gives_back_what_is_not_ours() -> None:
    sqs = Sqs("x1")

    def refuse(message: Received) -> bool:
        if sqs.hidden == ["x1"] and message.id == "x1":
            sqs.receive_message = interrupted  # type: ignore[method-assign]
        return False

    def interrupted(**_: Any) -> Mapping[str, Any]:  # noqa: ANN401 - boto3's keywords
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        probe(sqs).take(refuse, enough=None, timeout_s=60)

    assert sqs.visible == ["x1"]
