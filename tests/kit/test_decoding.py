"""Decoding in child processes: results come back, harm stays there."""

import asyncio
import os
import pickle
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.factories import media

from wenming_api.kit.decoding import ChildLimits, DecoderFailed, DecoderPool, Defect, Rejected
from wenming_api.kit.images import ImageLimits, ImageResult


@pytest.fixture
async def pool() -> AsyncIterator[DecoderPool]:
    pool = DecoderPool(2)
    yield pool
    await pool.close()


async def test_results_and_rejections_come_back(pool: DecoderPool, tmp_path: Path) -> None:
    good = await pool.run("image", media.written(tmp_path, media.photo()), "image/jpeg", tmp_path)
    assert isinstance(good, ImageResult)
    assert good.thumbnail.is_file()
    film = await pool.run("video", media.written(tmp_path, media.video()), "video/mp4", tmp_path)
    assert film.poster.is_file()
    sheet = await pool.run("document", media.written(tmp_path, b"a,b\n1,2\n"), "text/csv")
    assert sheet.size == 8
    with pytest.raises(Rejected) as caught:
        await pool.run("image", media.written(tmp_path, b"<svg/>"), "image/jpeg", tmp_path)
    assert caught.value.defect is Defect.UNRECOGNISED
    assert caught.value.defect.label


async def test_many_at_once_share_few_children(pool: DecoderPool, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(12)]
    for folder in folders:
        folder.mkdir()
    tasks = [
        pool.run("image", media.written(folder, media.photo(seed=number)), "image/jpeg", folder)
        for number, folder in enumerate(folders)
    ]
    results = await asyncio.gather(*tasks)
    assert len({result.sha256 for result in results}) == 12


async def test_a_task_that_takes_too_long_is_ended_and_the_pool_goes_on(tmp_path: Path) -> None:
    pool = DecoderPool(1, ChildLimits(wall_seconds=0.001))
    source = media.written(tmp_path, media.photo(size=(2000, 1500)))
    with pytest.raises(Rejected) as caught:
        await pool.run("image", source, "image/jpeg", tmp_path)
    assert caught.value.defect is Defect.TOO_EXPENSIVE
    pool._limits = ChildLimits()
    assert (await pool.run("image", source, "image/jpeg", tmp_path)).width == 2000
    await pool.close()


async def test_a_photo_beyond_the_memory_is_rejected_not_fatal(tmp_path: Path) -> None:
    pool = DecoderPool(1, ChildLimits(memory=256 * 1024**2))
    bomb = media.written(tmp_path, media.png_bomb(30_000), "bomb")
    with pytest.raises(Rejected) as caught:
        await pool.run("image", bomb, "image/png", tmp_path, ImageLimits(pixels=10**10))
    assert caught.value.defect is Defect.TOO_EXPENSIVE
    good = await pool.run("image", media.written(tmp_path, media.photo()), "image/jpeg", tmp_path)
    assert good.width == 640
    await pool.close()


async def test_a_child_that_crashes_condemns_its_file_alone(tmp_path: Path) -> None:
    pool = DecoderPool(1)
    source = media.written(tmp_path, media.photo())
    await pool.run("image", source, "image/jpeg", tmp_path)
    os.kill(pool._idle[0].process.pid, signal.SIGSEGV)
    with pytest.raises(Rejected) as caught:
        await pool.run("image", source, "image/jpeg", tmp_path)
    assert caught.value.defect is Defect.TOO_EXPENSIVE
    assert (await pool.run("image", source, "image/jpeg", tmp_path)).width == 640
    await pool.close()


async def test_a_failure_of_our_own_is_not_blamed_on_the_file(pool: DecoderPool, tmp_path: Path) -> None:
    with pytest.raises(DecoderFailed, match="FileNotFoundError"):
        await pool.run("image", tmp_path / "absent", "image/jpeg", tmp_path)
    with pytest.raises(DecoderFailed, match="unknown task"):
        await pool.run("dance")


async def test_a_child_has_no_secrets_and_ends_with_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENMING_STORAGE__SECRET_KEY", "hush")
    pool = DecoderPool(1)
    await pool.run("document", media.written(tmp_path, b"a,b"), "text/csv")
    process = pool._idle[0].process
    assert b"hush" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    assert process.stdin is not None
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 5) == 0
    await pool.close()


async def test_an_answer_cannot_carry_code(pool: DecoderPool) -> None:
    from wenming_api.kit.decoding import _ResultUnpickler

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("true",)

    with pytest.raises(pickle.UnpicklingError):
        _ResultUnpickler.load_bytes(pickle.dumps(("done", Evil())))
