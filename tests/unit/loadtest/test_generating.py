"""What arrives while the generator is started is neither lost nor too early."""

import signal

import pytest

from loadtest.generating import held_back


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_it_is_let_through(number: int) -> None:
    before = signal.signal(number, signal.default_int_handler)
    reached: list[str] = []

    def start() -> None:
        with held_back() as let_through:
            signal.raise_signal(number)
            reached.append("while it waits")
            let_through()
            reached.append("after it came")

    try:
        with pytest.raises(KeyboardInterrupt):
            start()
    finally:
        signal.signal(number, before)

    assert reached == ["while it waits"]


def test_a_signal_that_nobody_let_through_comes_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), held_back():
        signal.raise_signal(signal.SIGINT)


def test_afterwards_signals_are_handled_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)

    with held_back():
        assert signal.getsignal(signal.SIGINT) != before

    assert signal.getsignal(signal.SIGINT) == before
