"""What the gateway remembers: each value until its time, and nothing for ever."""

from deploy.lab.cloud.gateway.remembered import FEW, Remembered


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_values_that_nobody_asks_for_again_are_forgotten() -> None:
    clock = Clock()
    remembered = Remembered[int](clock)

    for number in range(100 * FEW):
        clock.now += 1
        remembered.put(number, number, ttl_s=10)

    assert len(remembered) <= 2 * FEW
    assert [remembered.get(number) for number in range(100 * FEW - 10, 100 * FEW)] == list(
        range(100 * FEW - 10, 100 * FEW)
    )


def test_what_is_still_good_stays_however_much_comes() -> None:
    remembered = Remembered[int](Clock())

    for number in range(5 * FEW):
        remembered.put(number, number, ttl_s=10)

    assert all(remembered.get(number) == number for number in range(5 * FEW))


def test_of_too_much_the_least_used_goes_and_a_new_value_takes_the_place_of_the_old() -> None:
    remembered = Remembered[str](Clock(), size=len)
    for key in "ab":
        remembered.put(key, key * 4, ttl_s=10, most=8)
    remembered.get("a")

    remembered.put("a", "new", ttl_s=10, most=8)
    remembered.put("c", "cccc", ttl_s=10, most=8)

    assert [remembered.get(key) for key in "abc"] == ["new", None, "cccc"]
