import pytest

from armarium.faces.http.errors import RateLimited, status_of
from armarium.faces.http.rate_limits import RateLimits


def test_a_credential_may_ask_at_its_rate_and_a_little_at_once():
    now = [0.0]
    limits = RateLimits(60, now=lambda: now[0])
    for _ in range(10):
        limits.admit("ada")
    with pytest.raises(RateLimited) as refused:
        limits.admit("ada")
    assert (status_of(refused.value), refused.value.retry_after_seconds) == (429, 1.0)
    limits.admit("bob")
    now[0] += 1
    limits.admit("ada")
    with pytest.raises(RateLimited):
        limits.admit("ada")
    now[0] += 1000
    for _ in range(10):
        limits.admit("ada")
    with pytest.raises(RateLimited):
        limits.admit("ada")


def test_no_number_of_credentials_takes_more_memory_than_there_is():
    limits = RateLimits(60, now=lambda: 0.0)
    for number in range(25_000):
        limits.admit(str(number))
    assert len(limits._buckets) == 10_000
