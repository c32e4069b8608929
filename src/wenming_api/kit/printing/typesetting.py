"""PDF by Typst. Synchronous; `kit.printing.press` runs it in a child process.

Typst gets one fixed program (`document.typ`), the document as JSON, and a folder of pictures as its whole world: no
packages, no fonts of the machine, no clock.
"""

import json
import re
import shutil
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst
from PIL import Image

_LONG_WORD = re.compile(r"[^\s⺀-⿿぀-鿿가-힯豈-﫿\U00020000-\U0003ffff]{25,}")
_PROGRAM = "document.typ"
_SMALL_PRINT = 600
"""Characters of a caption from which it is set smaller, so that the photo keeps most of its page."""


def typeset(
    paper: dict[str, Any], pictures: Path, output: Path, options: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Write the PDF of `model.Paper.as_json()`; answers `pages` and `marks` (text, level, page from 1).

    `options`: `first` page number, `total` pages (its own count when absent). Raises `typst.TypstError` for what is
    no document of ours.
    """
    document = prepare(paper, pictures) | {"first": 1, "total": None} | (options or {})
    try:
        return _compile(document, pictures, output)
    except typst.TypstError:
        if not _drop_broken(document["blocks"], pictures):
            raise
        return _compile(document, pictures, output)


def blank_pages(pages: int, output: Path, *, style: dict[str, Any], total: int, silent: int = 0) -> None:
    """Write a PDF of empty pages that carry nothing but their numbers, to be laid over others."""
    paper: dict[str, Any] = {
        "title": "",
        "style": style | {"header": "", "footer": ""},
        "numbers": True,
        "silent": silent,
        "first": 1,
        "total": total,
        "blocks": [{"kind": "blank", "pages": pages}],
    }
    _compile(paper, output.parent, output)


def prepare(paper: dict[str, Any], pictures: Path) -> dict[str, Any]:
    """The document as the program wants it: sizes of pictures, words that may be broken, silent cover."""
    blocks = [dict(block) for block in paper["blocks"]]
    for block in blocks:
        if block["kind"] == "photo":
            _measure(block, pictures)
            small = sum(len(text) for _, text in block["caption"]) > _SMALL_PRINT
            block["caption_size"] = 8 if small else paper["style"]["caption_size"]
    silent = 1 if blocks and blocks[0]["kind"] == "cover" else 0
    prepared: dict[str, Any] = _breakable(paper | {"blocks": blocks}) | {"silent": silent}
    return prepared


def _measure(block: dict[str, Any], pictures: Path) -> None:
    """The picture's size in pixels, or a word in its place."""
    if block["file"] is None:
        _blank(block)
        return
    try:
        with Image.open(pictures / block["file"], formats=["JPEG"]) as image:
            block["width"], block["height"] = image.size
    except (OSError, SyntaxError, ValueError):
        _blank(block)


def _blank(block: dict[str, Any]) -> None:
    block["file"], block["missing"] = None, block["missing"] or "照片无法显示"


def _drop_broken(blocks: list[dict[str, Any]], pictures: Path) -> int:
    """Take out the pictures that no decoder reads to their end; how many there were."""
    dropped = 0
    for block in blocks:
        if block["kind"] == "photo" and block["file"] is not None:
            try:
                with Image.open(pictures / block["file"], formats=["JPEG"]) as image:
                    image.load()
            except (OSError, SyntaxError, ValueError):
                _blank(block)
                dropped += 1
    return dropped


def _breakable(value: Any) -> Any:
    """Allow a line break everywhere in words too long for a line (addresses of the web, rows of punctuation)."""
    if isinstance(value, str):
        return _LONG_WORD.sub(lambda word: "\u200b".join(word.group()), value)
    if isinstance(value, dict):
        return {name: each if name == "file" else _breakable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_breakable(each) for each in value]
    return value


@cache
def _fonts() -> typst.Fonts:
    folder = pylopdf_fonts_zh_cn.serif_path().parent
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(folder)])


def _compile(document: dict[str, Any], folder: Path, output: Path) -> dict[str, Any]:
    program = folder / _PROGRAM
    if not program.exists():
        with resources.as_file(resources.files(__package__) / _PROGRAM) as source:
            shutil.copyfile(source, program)
    nowhere = str(folder / "packages")
    compiler = typst.Compiler(
        input=str(program),
        root=str(folder),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"document": json.dumps(document, ensure_ascii=False)},
        package_path=nowhere,
        package_cache_path=nowhere,
    )
    compiler.compile(output=str(output), format="pdf", timestamp=0, pdf_tags=False)
    places = json.loads(compiler.query("<place>", field="value"))
    return {
        "pages": places[-1]["pages"],
        "marks": [(m["text"].replace("\u200b", ""), m["level"], m["page"]) for m in places[:-1]],
    }
