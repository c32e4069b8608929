"""What printing costs: one record with twelve photos, and a book of 5,000 pages, with the memory of the children.

    python -m bench.printing            # 5,000 pages
    python -m bench.printing 500        # fewer

The same steps as a worker's, without database and object store: parts of 40 pages set by the press, cover and contents,
numbers, joining. Peak memory is VmHWM of the child processes and of this one.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from wenming_api.kit.printing.model import Block, Contents, Form, Line, Mark, Paper
from wenming_api.kit.printing.press import Press
from wenming_api.ledgers.documents.rules import PART_WEIGHT
from wenming_api.ledgers.layouts.queries import delivered
from wenming_api.ledgers.layouts.rules import CAPTION_LABELS, Facts, FormField, PhotoFacts, record_blocks, style_of

TEXT = "为深化文明城市创建，社区组织志愿者开展文明交通劝导、环境清洁与便民服务，服务群众四百余人次。\n" * 8
PHOTOS = 8
PAGES = 2 + PHOTOS


def _record(no: int, names: list[str], photos: int) -> tuple[Block, ...]:
    caption = dict.fromkeys(CAPTION_LABELS, f"第{no}次活动的说明")
    values = dict.fromkeys(FormField, "填报内容") | {FormField.TEXT: TEXT, FormField.TITLE: f"第{no}号活动"}
    shown = [PhotoFacts(names[(no * photos + each) % len(names)], caption) for each in range(photos)]
    return record_blocks(delivered().body, Facts(values, ((3, 20),), shown), mark=Mark(f"第{no}号活动", 2))


class Memory:
    """The largest resident sets of the children, looked up while they live."""

    def __init__(self) -> None:
        self.peak = 0

    async def watch(self) -> None:
        """Look twice a second."""
        while True:
            for path in Path("/proc").glob("[0-9]*/status"):
                try:
                    lines = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
                except OSError:
                    continue
                if lines.get("PPid", "").strip() == str(os.getpid()) and "VmHWM" in lines:
                    self.peak = max(self.peak, int(lines["VmHWM"].split()[0]))
            await asyncio.sleep(0.5)


async def main(pages: int) -> None:
    """Print the figures."""
    memory, press, style = Memory(), Press(1), style_of(delivered().body)
    watching = asyncio.create_task(memory.watch())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = []
        for no in range(200):
            names.append(f"{no}.jpg")
            size = (1280, 960) if no % 3 else (960, 1280)
            noise = Image.effect_noise((size[0] // 4, size[1] // 4), 60).resize(size).convert("RGB")
            noise.save(folder / names[-1], "JPEG", quality=80)
        average = sum((folder / each).stat().st_size for each in names) // len(names)
        await press.print(Form.PDF, Paper("x", _record(0, names, 0), style), folder, name="warm")
        started = time.perf_counter()
        one = await press.print(Form.PDF, Paper("x", _record(1, names, 12), style), folder, name="one")
        took = time.perf_counter() - started
        print(f"one record, 12 photos of {average // 1024} KiB: {one.pages} pages, {took:.2f} s, warm child")
        started = time.perf_counter()
        files, marks, before, at_once = [], [], 0, PART_WEIGHT // PAGES
        for start in range(0, pages // PAGES, at_once):
            blocks: list[Block] = []
            for no in range(start, min(start + at_once, pages // PAGES)):
                blocks += _record(no, names, PHOTOS)
            part = await press.print(
                Form.PDF, Paper("册", tuple(blocks), style, numbers=False), folder, name=f"part-{start}"
            )
            marks += [(text, level, page + before) for text, level, page in part.marks]
            files.append(part.path)
            before += part.pages
        print(f"{before} pages set in {len(files)} parts: {time.perf_counter() - started:.1f} s")

        def front(shift: int) -> Paper:
            lines = tuple(Line(text, level, page + shift) for text, level, page in marks)
            return Paper("册", (Contents("目　录", lines),), style, numbers=False)

        tried = await press.print(Form.PDF, front(0), folder, name="front")
        first = await press.print(Form.PDF, front(tried.pages), folder, name="front")
        numbers = await press.number(folder, style=style, pages=before + first.pages)
        print(f"contents ({first.pages} pages) and numbers: {time.perf_counter() - started:.1f} s")
        output = folder / "whole.pdf"
        total = await press.merge([first.path, *files], output, numbers=numbers, title="册", marks=marks)
        size = output.stat().st_size / 1024 / 1024
        print(f"joined: {total} pages, {size:.0f} MiB, {time.perf_counter() - started:.1f} s altogether")
    watching.cancel()
    await press.close()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory: child {memory.peak // 1024} MiB, parent {own // 1024} MiB")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000))
