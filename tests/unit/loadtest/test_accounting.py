from loadtest.accounting import account
from loadtest.queue_probe import Received
from loadtest.run import Accounting


def message(id_: str, key: str) -> Received:
    return Received(id_, "body", {"idempotency-key": key})


def test_each_acknowledged_message_found_once_is_as_it_should_be() -> None:
    acknowledged = {"k1": "m1", "k2": "m2"}

    result = account(acknowledged, [message("m1", "k1"), message("m2", "k2")])

    assert result == Accounting(acknowledged=2, found=2, lost=0, duplicated=0, unanswered=0)


def test_an_acknowledged_message_that_is_not_there_is_lost() -> None:
    result = account({"k1": "m1", "k2": "m2"}, [message("m2", "k2")])

    assert (result.lost, result.found) == (1, 1)


def test_a_key_under_two_ids_was_sent_twice() -> None:
    result = account({"k1": "m1"}, [message("m1", "k1"), message("m9", "k1")])

    assert (result.duplicated, result.lost) == (1, 0)


def test_an_id_received_twice_was_delivered_twice() -> None:
    result = account({"k1": "m1"}, [message("m1", "k1"), message("m1", "k1")])

    assert result.duplicated == 1


def test_a_message_whose_sender_got_no_answer_is_neither_lost_nor_found_wanting() -> None:
    result = account({"k1": "m1"}, [message("m1", "k1"), message("m2", "k2")])

    assert (result.lost, result.duplicated, result.unanswered) == (0, 0, 1)
