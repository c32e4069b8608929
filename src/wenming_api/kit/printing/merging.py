"""One long PDF made of many: pages in order, their numbers laid over, bookmarks. Synchronous.

Streams go from file to file, so memory holds the structure alone.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from copy import copy
from pathlib import Path

import pikepdf


def merge(
    parts: Sequence[Path], output: Path, *, numbers: Path | None, title: str, marks: Sequence[tuple[str, int, int]]
) -> int:
    """Write the parts as one PDF; answers its pages.

    `numbers` is a PDF with a page to lay over each. `marks` are (text, level from 1, page from 1), in their order.
    """
    joined = output.with_suffix(".joined")
    pages = [{"file": str(part), "range": "1-z"} for part in parts]
    # A Pdf that takes pages of another copies their streams into memory; a job copies them from file to file.
    pikepdf.Job({"empty": "", "pages": pages, "outputFile": str(joined), "deterministicId": ""}).run()
    try:
        with ExitStack() as stack:
            whole = stack.enter_context(_open(joined))
            if numbers is not None:
                _lay_over(whole, stack.enter_context(_open(numbers)))
            _bookmark(whole, marks)
            whole.docinfo["/Title"] = title
            whole.Root.PageMode = pikepdf.Name.UseOutlines
            whole.save(output, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
            return len(whole.pages)
    finally:
        joined.unlink(missing_ok=True)


def _open(path: Path) -> pikepdf.Pdf:
    """Read by position: a file that is mapped counts as memory, all of it in the end."""
    return pikepdf.open(path, access_mode=pikepdf.AccessMode.stream)


def _lay_over(whole: pikepdf.Pdf, numbers: pikepdf.Pdf) -> None:
    # Page.add_overlay names what it adds at random, and the same input is to give the same bytes.
    for page, number in zip(whole.pages, numbers.pages, strict=True):
        drawn = whole.copy_foreign(number.as_form_xobject())
        resources = copy(page.Resources)  # pages may share theirs
        resources.XObject = copy(resources.get("/XObject", pikepdf.Dictionary()))
        resources.XObject.PageNumber = drawn
        page.Resources = resources
        page.contents_add(b"q\n", prepend=True)
        page.contents_add(b"\nQ q /PageNumber Do Q")


def _bookmark(whole: pikepdf.Pdf, marks: Sequence[tuple[str, int, int]]) -> None:
    with whole.open_outline() as outline:
        open_: list[pikepdf.OutlineItem] = []
        for text, level, page in marks:
            item = pikepdf.OutlineItem(text, page - 1, "Fit")
            item.is_closed = True
            del open_[level - 1 :]
            (open_[-1].children if open_ else outline.root).append(item)
            open_.append(item)
