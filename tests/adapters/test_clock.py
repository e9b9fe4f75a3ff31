"""Names that ascend, and a clock that tells the time of day."""

import time
import uuid

from armarium.adapters import clock as clock_module
from armarium.adapters.clock import SystemClock, uuid7


def test_ids_are_uuids_of_version_7_and_ascend():
    clock = SystemClock()
    ids = [clock.new_id() for _ in range(20_000)]
    assert ids == sorted(set(ids))
    assert {uuid.UUID(id_).version for id_ in ids} == {7}
    assert {uuid.UUID(id_).variant for id_ in ids} == {uuid.RFC_4122}


def test_an_id_begins_with_its_time():
    before = time.time_ns() // 1_000_000
    milliseconds = uuid.UUID(SystemClock().new_id()).int >> 80
    assert before <= milliseconds <= time.time_ns() // 1_000_000


def test_ids_ascend_though_the_clock_is_set_back(monkeypatch):
    clock = SystemClock()
    now = time.time_ns()
    monkeypatch.setattr(clock_module.time, "time_ns", lambda: now)
    ids = [clock.new_id() for _ in range(3)]
    now -= 10**12
    ids += [clock.new_id() for _ in range(3)]
    assert ids == sorted(set(ids))


def test_the_example_of_the_rfc_comes_out():
    assert uuid7(0x017F22E279B0, 0xCC3 << 62 | 0x18C4DC0C0C07398F) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_now_is_now():
    assert abs(SystemClock().now() - time.time()) < 60
