"""The shared cache: one computation for many callers, dropped by tag, and no harm when Valkey is away."""

import asyncio
import socket
import uuid

import pytest

from wenming_api.kit.cache import Cache


@pytest.fixture(params=["valkey", "memory"])
async def cache(request, settings):
    made = Cache(settings.cache.url if request.param == "valkey" else None)
    yield made
    await made.close()


@pytest.fixture
async def away():
    """A cache whose server does not answer: nobody listens on this port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        made = Cache(f"redis://127.0.0.1:{taken.getsockname()[1]}/0")
        yield made
        await made.close()


class Maker:
    """Counts how often it is asked."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.times = 0
        self.failure = failure

    async def __call__(self) -> bytes:
        self.times += 1
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        return b"value %d" % self.times


def key():
    return f"test:{uuid.uuid4()}"


async def test_a_value_is_made_once(cache):
    name, make = key(), Maker()
    assert await cache.get_or_make(name, make, seconds=60) == b"value 1"
    assert await cache.get_or_make(name, make, seconds=60) == b"value 1"
    assert make.times == 1


async def test_many_callers_at_once_make_it_once(cache):
    name, make = key(), Maker()
    answers = await asyncio.gather(*(cache.get_or_make(name, make, seconds=60) for _ in range(30)))
    assert set(answers) == {b"value 1"}
    assert make.times == 1


async def test_what_is_dropped_by_tag_is_made_again(cache):
    one, other, make = key(), key(), Maker()
    await cache.get_or_make(one, make, seconds=60, tags=("ranking",))
    await cache.get_or_make(other, make, seconds=60, tags=("other",))
    await cache.drop("ranking")
    assert await cache.get_or_make(one, make, seconds=60, tags=("ranking",)) == b"value 3"
    assert await cache.get_or_make(other, make, seconds=60, tags=("other",)) == b"value 2"


@pytest.mark.parametrize("failure", [ValueError("wrong"), OSError("disk"), TimeoutError("slow")])
async def test_a_failure_is_the_callers_and_is_not_kept(cache, failure):
    name, failing = key(), Maker(failure)
    with pytest.raises(type(failure)):
        await cache.get_or_make(name, failing, seconds=60)
    assert failing.times == 1
    assert await cache.get_or_make(name, Maker(), seconds=60) == b"value 1"


async def test_without_valkey_values_are_computed_each_time(away):
    name, make = key(), Maker()
    assert await away.get_or_make(name, make, seconds=60) == b"value 1"
    assert await away.get_or_make(name, make, seconds=60) == b"value 2"
    await away.drop("anything")


@pytest.mark.parametrize("failure", [ValueError("wrong"), OSError("disk")])
async def test_without_valkey_a_failure_is_still_the_callers(away, failure):
    failing = Maker(failure)
    with pytest.raises(type(failure)):
        await away.get_or_make(key(), failing, seconds=60)
    assert failing.times == 1


async def test_without_valkey_readiness_says_so(away, cache):
    await cache.ping()
    with pytest.raises(Exception):  # noqa: B017
        await away.ping()
