"""Failed attempts are counted by address, in bounded memory."""

from __future__ import annotations

from flowhand_server.access.failures import ADDRESSES, BURST, REFILL_S, Failures


class Time:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def exhausted(time: Time, address: str) -> Failures:
    """Failures of an address that has used up all its attempts."""
    failures = Failures(time)
    for _ in range(BURST):
        assert failures.wait(address) == 0
        failures.note(address)
    return failures


def test_after_a_burst_one_more_now_and_again() -> None:
    """And the wait that is told is the one that holds."""
    time = Time()
    failures = exhausted(time, "10.0.0.1")
    wait = failures.wait("10.0.0.1")
    assert wait == REFILL_S
    time.now += wait - 0.5
    assert failures.wait("10.0.0.1") == 1
    time.now += 0.5
    assert failures.wait("10.0.0.1") == 0
    failures.note("10.0.0.1")
    assert failures.wait("10.0.0.1") == REFILL_S


def test_other_addresses_are_not_touched() -> None:
    failures = exhausted(Time(), "10.0.0.1")
    assert failures.wait("10.0.0.2") == 0


def test_one_network_of_ipv6_counts_as_one() -> None:
    """A machine has as many addresses there as it likes."""
    failures = exhausted(Time(), "2001:db8::1")
    assert failures.wait("2001:db8::ffff:1") > 0
    assert failures.wait("2001:db8:0:1::1") == 0


def test_memory_is_bounded() -> None:
    """The oldest are forgotten, the one that goes on failing is not."""
    time = Time()
    failures = exhausted(time, "10.0.0.1")
    for n in range(2 * ADDRESSES):
        failures.note(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}:")
        if n % 1000 == 0:
            failures.note("10.0.0.1")
    assert len(failures._full_at) == ADDRESSES
    assert failures.wait("10.0.0.1") > 0
