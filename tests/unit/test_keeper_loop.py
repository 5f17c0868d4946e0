"""The keeper's loop: timers by boot time, descriptors level-triggered."""

from __future__ import annotations

import os

from flowhand.keeper.loop import Loop, now


def test_timers_ring_in_the_order_of_their_times() -> None:
    loop, rung = Loop(), list[str]()
    start = now()
    loop.at(start + 0.02, lambda: rung.append("second"))
    loop.at(start + 0.01, lambda: rung.append("first"))
    while len(rung) < 2:
        loop.turn()
    assert rung == ["first", "second"]
    assert now() - start >= 0.02


def test_a_cancelled_timer_does_not_ring() -> None:
    loop, rung = Loop(), list[str]()
    loop.at(now(), lambda: rung.append("cancelled")).cancel()
    loop.at(now(), lambda: rung.append("rung"))
    loop.turn()
    assert rung == ["rung"]


def test_a_handler_may_leave_bytes_and_is_called_again() -> None:
    loop, taken = Loop(), list[bytes]()
    reader, writer = os.pipe()
    loop.watch(reader, lambda _: taken.append(os.read(reader, 1)))
    os.write(writer, b"ab")
    loop.turn()
    loop.turn()
    assert taken == [b"a", b"b"]
    loop.unwatch(reader)
    loop.unwatch(reader)
    os.close(reader)
    os.close(writer)


def test_a_descriptor_closed_by_another_s_handler_is_not_handled() -> None:
    loop, called = Loop(), list[int]()
    pipes = [os.pipe() for _ in range(2)]

    def close_the_other(mine: int) -> None:
        called.append(mine)
        for reader, _ in pipes:
            if reader != mine:
                loop.unwatch(reader)
                os.close(reader)

    for reader, writer in pipes:
        loop.watch(reader, lambda _, mine=reader: close_the_other(mine))
        os.write(writer, b"x")
    loop.turn()
    assert len(called) == 1
