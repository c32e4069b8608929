"""Printing off the event loop: in child processes with ceilings of memory and time (`kit.decoding`).

press = Press()
printed = await press.print(Form.PDF, paper, folder)     # raises PrintingFailed
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wenming_api.kit.decoding import ChildLimits, DecoderFailed, DecoderPool, Rejected
from wenming_api.kit.printing.model import Form, Paper, Style
from wenming_api.kit.problems import Problem

LIMITS = ChildLimits(
    memory=2 * 1024**3,
    file_size=2 * 1024**3,
    cpu_seconds=240,
    wall_seconds=300,
    tasks=50,
    resident=224 * 1024**2,
)
"""`memory` is address space, of which files and fonts that are mapped take much; a child that has kept pictures of what
it printed is replaced."""


class PrintingFailed(Problem):
    """The document could not be printed within the limits."""

    status = 422
    code = "printing_failed"
    title = "文档无法生成"


@dataclass(frozen=True, slots=True)
class Printed:
    """A printed document in a file. `marks`: (text, level, page), both from 1; `pages` and `marks` of PDF alone."""

    path: Path
    pages: int
    marks: tuple[tuple[str, int, int], ...]


class Press:
    """Prints papers; a few at a time."""

    def __init__(self, size: int = 2, limits: ChildLimits = LIMITS) -> None:
        self._pool = DecoderPool(size, limits)

    async def print(
        self,
        form: Form,
        paper: Paper,
        folder: Path,
        *,
        name: str = "document",
        first: int = 1,
        total: int | None = None,
    ) -> Printed:
        """Print into `folder`, where the paper's pictures lie. `first` and `total` number the pages of a part."""
        output = folder / f"{name}.{form.value}"
        options = {"first": first, "total": total}
        answer = await self._run("print", form.value, paper.as_json(), folder, output, options)
        return Printed(output, answer["pages"], tuple(answer["marks"]))

    async def number(self, folder: Path, *, style: Style, pages: int, silent: int = 0) -> Path:
        """A PDF of empty pages that carry 第 n 页 共 m 页 where `style` has its foot; the first `silent` carry none."""
        output = folder / "numbers.pdf"
        await self._run("number", pages, output, asdict(style), silent)
        return output

    async def merge(
        self,
        parts: Sequence[Path],
        output: Path,
        *,
        numbers: Path | None,
        title: str,
        marks: Sequence[tuple[str, int, int]],
    ) -> int:
        """Join PDFs into one with numbers and bookmarks; answers its pages."""
        pages: int = await self._run("merge", list(parts), output, numbers, title, list(marks))
        return pages

    async def _run(self, task: str, *arguments: Any) -> Any:
        try:
            return await self._pool.run(task, *arguments)
        except (Rejected, DecoderFailed) as error:
            raise PrintingFailed("文档过大或含有无法排版的内容，未能生成。", note=str(error)[:200]) from error

    async def close(self) -> None:
        """End the children."""
        await self._pool.close()


@cache
def edition() -> str:
    """What printing is done by: another edition of it may give other bytes for the same paper."""
    parts = [
        f"{name} {version(name)}" for name in ("typst", "python-docx", "xlsxwriter", "pylopdf-fonts-zh-cn", "pillow")
    ]
    sources = sorted(Path(__file__).parent.glob("*.*"))
    parts += [sha256(path.read_bytes()).hexdigest() for path in sources if path.is_file()]
    return sha256("\n".join(parts).encode()).hexdigest()


def perform(task: str, arguments: tuple[Any, ...]) -> Any:
    """Do one of the tasks above; the child process calls this."""
    if task == "merge":
        from wenming_api.kit.printing.merging import merge

        parts, output, numbers, title, marks = arguments
        return merge(parts, output, numbers=numbers, title=title, marks=marks)
    if task == "number":
        from wenming_api.kit.printing.typesetting import blank_pages

        pages, output, style, silent = arguments
        return blank_pages(pages, output, style=style, total=pages, silent=silent)
    form, paper, folder, output, options = arguments
    if form == Form.PDF:
        from wenming_api.kit.printing.typesetting import typeset

        return typeset(paper, folder, output, options)
    if form == Form.HTML:
        from wenming_api.kit.printing.html import write_html

        write_html(paper, folder, output)
    elif form == Form.DOCX:
        from wenming_api.kit.printing.word import write_docx

        write_docx(paper, folder, output)
    else:
        from wenming_api.kit.printing.sheets import write_xlsx

        write_xlsx(paper, folder, output)
    return {"pages": 0, "marks": []}
