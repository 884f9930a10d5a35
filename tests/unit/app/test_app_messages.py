import pytest

from app.messages import Message, first_unsendable, is_reserved, size_bytes


@pytest.mark.parametrize("text", ["", "plain", "tab\tand\r\nlines", "é 漢 🙂", "\ue000\ufffd"])
def test_text_that_sqs_takes_is_sendable(text: str) -> None:
    assert first_unsendable(text) is None


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_a_character_that_sqs_refuses_is_found_where_it_stands(character: str) -> None:
    assert first_unsendable(f"ab{character}") == 2


def test_the_size_of_a_message_counts_bytes_and_attributes() -> None:
    message = Message("é", {"name": "värde"})

    assert size_bytes(message) == 2 + len(b"name") + len(b"String") + 6


@pytest.mark.parametrize(
    "name", ["idempotency-key", "Request-Id", "aws.trace", "AWS.trace", "Amazon.x"]
)
def test_names_of_ours_and_of_aws_are_reserved(name: str) -> None:
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["colour", "awsome", "my.aws.x", "amazon"])
def test_other_names_are_free(name: str) -> None:
    assert not is_reserved(name)
