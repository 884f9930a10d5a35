import httpx2
import pytest

from loadtest.cold_starts import measure


class Function:
    """A function with one environment; also answers /whoami as the service does."""

    def __init__(self, *, stolen: int = 0) -> None:
        self.is_new = True
        self.renewals = 0
        self.restored = False
        self.stolen = stolen

    def renew(self) -> None:
        self.renewals += 1
        # Somebody else's request may come first.
        self.is_new = self.renewals > self.stolen

    def restore(self) -> None:
        self.restored = True

    def answer(self, _: httpx2.Request) -> httpx2.Response:
        was_new, self.is_new = self.is_new, False
        return httpx2.Response(200, json={"cold_start": was_new})

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url="http://f", transport=httpx2.MockTransport(self.answer))


def test_each_renewal_gives_one_cold_start_and_leaves_no_trace() -> None:
    function = Function()

    with function.client() as client:
        starts = measure(client, function, tell=lambda _: None, times=3)

    assert len(starts) == 3
    assert (function.renewals, function.restored) == (3, True)


def test_a_cold_start_that_somebody_else_met_is_left_out_and_told() -> None:
    function, told = Function(stolen=1), list[str]()

    with function.client() as client:
        starts = measure(client, function, tell=told.append, times=3)

    assert len(starts) == 2
    assert told == ["1 of 3 cold starts were met by somebody else's request"]


def test_interrupted_it_restores_the_function_all_the_same() -> None:
    function = Function()

    def interrupt(request: httpx2.Request) -> httpx2.Response:
        if function.renewals:
            raise KeyboardInterrupt
        return function.answer(request)

    transport = httpx2.MockTransport(interrupt)
    with (
        httpx2.Client(base_url="http://f", transport=transport) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        measure(client, function, tell=lambda _: None)

    assert function.restored
