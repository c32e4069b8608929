"""HTML: one file that needs nothing else, fit to be shown and to be printed on A4. Synchronous.

Every text is escaped; pictures are inside as data; there is no script and no address.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""The Content-Security-Policy to send with it."""

_STYLE = """
@page {{ size: A4; margin: {top}mm {right}mm {bottom}mm {left}mm; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: #eceff1; color: #000; font: {text}pt/1.7 {family}; overflow-wrap: anywhere; }}
section {{ width: 210mm; min-height: 297mm; margin: 8mm auto; background: #fff; box-shadow: 0 0 6px #0004;
  padding: {top}mm {right}mm {bottom}mm {left}mm; position: relative; display: flex; flex-direction: column; }}
h1, h2, th, dt {{ font-family: {sans}; }}
h1 {{ font-size: {title}pt; text-align: center; margin: 0 0 6mm; white-space: pre-line; }}
.head {{ position: absolute; top: 10mm; left: 0; right: 0; text-align: center; font-size: 9pt; color: #555; }}
.foot {{ margin-top: auto; padding-top: 5mm; font-size: 9pt; color: #555; }}
table {{ border-collapse: collapse; width: 100%; table-layout: fixed; }}
th, td {{ border: 0.5pt solid #333; padding: 6pt 5pt; vertical-align: middle; text-align: left; }}
th {{ background: #f4f4f4; font-weight: normal; text-align: center; }}
td.centred {{ text-align: center; }}
p {{ margin: 0; white-space: pre-wrap; }}
p + p, p.first {{ text-indent: 2em; }}
u {{ text-decoration: underline #d01010 1.2pt; text-underline-offset: 0.2em; }}
.photo {{ flex: 1; display: flex; align-items: center; justify-content: center; min-height: 100mm; }}
.photo img {{ max-width: 100%; max-height: 190mm; }}
.missing {{ border: 1pt dashed #999; color: #777; padding: 25mm 30mm; }}
.caption {{ font-size: {caption}pt; margin-top: 5mm; }}
.caption th {{ width: 5em; padding: 4pt; }} .caption td {{ padding: 4pt 5pt; }}
.cover {{ justify-content: center; }} .cover h1 {{ font-size: 30pt; margin-bottom: 40mm; }}
.cover dl {{ display: grid; grid-template-columns: auto 1fr; gap: 5mm; width: 80%; margin: 0 auto; font-size: 14pt; }}
dt {{ text-align: right; }} dd {{ margin: 0; border-bottom: 0.5pt solid #000; }}
.divider {{ justify-content: center; text-align: center; }}
.contents div {{ display: flex; justify-content: space-between; gap: 1em; }}
@media print {{ body {{ background: none; }}
  section {{ width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; break-after: page; }}
  .photo img {{ max-height: 170mm; }} .cover, .photo-page, .divider {{ height: 240mm; }}
  .head {{ display: none; }} thead, tr.short {{ break-inside: avoid; }} }}
"""
_SANS = "'Noto Sans SC','Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei',SimHei,sans-serif"
_SERIF = "'Noto Serif SC','Noto Serif CJK SC','Source Han Serif SC',SimSun,'Songti SC',serif"
_SHORT = 300


def write_html(paper: dict[str, Any], pictures: Path, output: Path) -> None:
    """Write `model.Paper.as_json()` as one HTML file."""
    style = paper["style"]
    top, right, bottom, left = style["margins"]
    css = _STYLE.format(
        top=top,
        right=right,
        bottom=bottom,
        left=left,
        text=style["text_size"],
        title=style["title_size"],
        caption=style["caption_size"],
        family=_SANS if style["typeface"] == "sans" else _SERIF,
        sans=_SANS,
    )
    with output.open("w", encoding="utf-8") as file:
        file.write('<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">')
        file.write('<meta name="viewport" content="width=device-width, initial-scale=1">')
        file.write(f"<title>{escape(paper['title'])}</title><style>{css}</style></head><body>\n")
        for block in paper["blocks"]:
            if block["kind"] == "mark":
                continue
            css_class, inside = _WRITERS[block["kind"]](block, pictures)
            file.write(f'<section class="{css_class}">')
            if style["header"] and block["kind"] != "cover":
                file.write(f'<div class="head">{escape(style["header"])}</div>')
            file.writelines(inside)
            if style["footer"] and block["kind"] != "cover":
                file.write(f'<div class="foot">{escape(style["footer"])}</div>')
            file.write("</section>\n")
        file.write("</body></html>\n")


def _prose(paragraphs: list[Any]) -> str:
    first = ' class="first"' if len(paragraphs) > 1 else ""
    return "".join(
        f"<p{first}>"
        + "".join(f"<u>{escape(run['text'])}</u>" if run["marked"] else escape(run["text"]) for run in runs)
        + "</p>"
        for runs in paragraphs
    )


def _grid(block: dict[str, Any], _: Path) -> tuple[str, Iterator[str]]:
    def inside() -> Iterator[str]:
        if block["title"]:
            yield f"<h1>{escape(block['title'])}</h1>"
        whole = sum(block["columns"])
        yield "<table><colgroup>"
        for width in block["columns"]:
            yield f'<col style="width:{width / whole:.4%}">'
        yield "</colgroup>"
        for row in block["rows"]:
            length = sum(len(run["text"]) for cell in row for runs in cell["prose"] for run in runs)
            yield '<tr class="short">' if length < _SHORT else "<tr>"
            for cell in row:
                tag = "th" if cell["label"] else "td"
                attributes = f' colspan="{cell["span"]}"' if cell["span"] > 1 else ""
                if cell["height"]:
                    attributes += f' style="height:{cell["height"]}mm"'
                if cell["centred"]:
                    attributes += ' class="centred"'
                yield f"<{tag}{attributes}>{_prose(cell['prose'])}</{tag}>"
            yield "</tr>"
        yield "</table>"

    return "form", inside()


def _photo(block: dict[str, Any], pictures: Path) -> tuple[str, Iterator[str]]:
    def inside() -> Iterator[str]:
        yield '<div class="photo">'
        if block["file"] is None or not (pictures / block["file"]).exists():
            yield f'<div class="missing">{escape(block["missing"] or "照片无法显示")}</div>'
        else:
            data = b64encode((pictures / block["file"]).read_bytes()).decode()
            words = escape("；".join(f"{label}：{text}" for label, text in block["caption"]), quote=True)
            yield f'<img alt="{words}" src="data:image/jpeg;base64,{data}">'
        yield '</div><table class="caption">'
        for label, text in block["caption"]:
            yield f"<tr><th>{escape(label)}</th><td>{escape(text)}</td></tr>"
        yield "</table>"

    return "photo-page", inside()


def _cover(block: dict[str, Any], _: Path) -> tuple[str, Iterator[str]]:
    lines = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in block["lines"])
    return "cover", iter((f"<h1>{escape(block['title'])}</h1><dl>{lines}</dl>",))


def _contents(block: dict[str, Any], _: Path) -> tuple[str, Iterator[str]]:
    lines = "".join(
        f'<div style="margin-left:{(line["level"] - 1) * 1.2:.1f}em"><span>{escape(line["text"])}</span>'
        f"<span>{line['page']}</span></div>"
        for line in block["lines"]
    )
    return "contents", iter((f"<h1>{escape(block['title'])}</h1>{lines}",))


def _divider(block: dict[str, Any], _: Path) -> tuple[str, Iterator[str]]:
    return "divider", iter((f"<h1>{escape(block['title'])}</h1><p>{escape(block['note'])}</p>",))


_WRITERS: dict[str, Callable[[dict[str, Any], Path], tuple[str, Iterator[str]]]] = {
    "grid": _grid,
    "photo": _photo,
    "cover": _cover,
    "contents": _contents,
    "divider": _divider,
}
