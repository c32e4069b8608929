"""The four sheets of an indicator system: columns, and how a cell of each is read and shown.

体系 has one row; 指标 and 标准 stand in printed order; 评分细则 holds the grades and deduction reasons, a row each.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from wenming_api.city.standards.rules import CountMode, ListKind, RuleKind, VetoScope
from wenming_api.kit.workbooks import (
    Cell,
    CellError,
    Column,
    Table,
    boolean,
    choice,
    decimal,
    integer,
    join_list,
    text,
    text_list,
)

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_METHOD = re.compile(r"([a-z][a-z0-9_]{0,39})[=＝](.+)")


def _line(cell: Cell) -> str:
    found = unicodedata.normalize("NFC", text(cell))
    if any(character in found for character in "\n\t"):
        raise CellError("不能换行")
    return found


def _paragraphs(cell: Cell) -> str:
    return unicodedata.normalize("NFC", text(cell))


def _lines(most: int, longest: int = 200) -> Callable[[Cell], tuple[str, ...]]:
    def parse(cell: Cell) -> tuple[str, ...]:
        parts = tuple(part.strip() for part in _paragraphs(cell).split("\n") if part.strip())
        if len(parts) > most:
            raise CellError(f"最多 {most} 行")
        if any(len(part) > longest for part in parts):
            raise CellError(f"每行不得超过 {longest} 个字符")
        return parts

    return parse


def _system_code(cell: Cell) -> str:
    found = _line(cell)
    if not _CODE.fullmatch(found):
        raise CellError("应为字母、数字、_ . - 组成的编号")
    return found


def _level_names(cell: Cell) -> tuple[str, ...]:
    names = text_list(_line(cell), maximum=6)
    _check_terms(names)
    return names


def _methods(cell: Cell) -> dict[str, str]:
    methods: dict[str, str] = {}
    for part in text_list(_line(cell), maximum=10):
        found = _METHOD.fullmatch(part)
        if found is None:
            raise CellError("应为“代码=名称”，例如 field=实地考察")
        if found[1] in methods:
            raise CellError(f"代码“{found[1]}”重复")
        methods[found[1]] = found[2].strip()
    _check_terms(tuple(methods.values()))
    return methods


def _check_terms(terms: Sequence[str]) -> None:
    if len(set(terms)) != len(terms):
        raise CellError("有重复项")
    for term in terms:
        if not 1 <= len(term) <= 20 or re.search(r"[=＝\s]", term):
            raise CellError(f"“{term[:20]}”应为不超过 20 个字符、不含空格和等号的名称")


def _labels(kind: Any) -> dict[str, Any]:
    return {member.label: member for member in kind}


def _chosen(key: str, header: str, kind: Any, **options: Any) -> Column:
    labels = _labels(kind)
    return Column(key, header, choice(labels), choices=tuple(labels), show=lambda member: member.label, **options)


def _flag(key: str, header: str, hint: str) -> Column:
    return Column(key, header, boolean, choices=("是", "否"), hint=hint)


_points = decimal(Decimal("0.000001"), 10_000)
SYSTEM = Table(
    "体系",
    (
        Column("code", "体系编号", _system_code, required=True, max_length=64),
        Column("name", "体系名称", _line, required=True, max_length=100, width=40),
        Column("edition", "版本", _line, required=True, max_length=100),
        Column("level_names", "层级名称", _level_names, required=True, show=join_list, hint="自上而下，用顿号分隔"),
        Column(
            "methods",
            "测评方法",
            _methods,
            required=True,
            show=lambda methods: join_list([f"{code}={name}" for code, name in methods.items()]),
            hint="代码=名称，用顿号分隔，例如 field=实地考察、document=材料审核",
        ),
        Column("description", "说明", _paragraphs, max_length=4000, width=40),
        Column("source", "出处", _paragraphs, max_length=1000, width=40),
    ),
)
INDICATORS = Table(
    "指标",
    (
        Column("code", "编号", _line, required=True, max_length=50),
        Column("name", "名称", _line, required=True, max_length=200, width=40),
        Column("level", "层级", integer(1, 6), required=True, hint="第一级为 1"),
        Column("parent_code", "上级编号", _line, max_length=50, hint="第一级留空；上级须写在下级之前"),
    ),
)
STANDARDS = Table(
    "标准",
    (
        Column("code", "编号", _line, required=True, max_length=50),
        Column("indicator_code", "所属指标", _line, required=True, max_length=50, hint="最末一级指标的编号"),
        Column("text", "测评标准", _paragraphs, required=True, max_length=4000, width=60),
        _chosen("list_kind", "类别", ListKind, required=True),
        Column("max_score", "分值", decimal(0, 10_000), required=True),
        Column("methods", "测评方法", text_list, required=True, show=join_list, hint="方法名称，用顿号分隔"),
        _chosen("kind", "评分方式", RuleKind, required=True, hint="分档与扣分的明细写在“评分细则”"),
        Column("required", "应达数量", decimal(Decimal("0.000001"), 1_000_000), hint="计数评分"),
        _chosen("mode", "计数方式", CountMode, hint="计数评分"),
        Column("unit", "数量单位", _line, max_length=20, hint="计数评分，例如 处"),
        Column("per", "计数基数", decimal(Decimal("0.000001"), 1_000_000), hint="计数评分，例如每 300 米"),
        Column("per_unit", "基数单位", _line, max_length=20, hint="计数评分，例如 米"),
        Column("floor", "得分下限", decimal(0, 10_000), hint="扣分评分，留空为 0"),
        _flag("photo_required", "扣分须拍照", "扣分评分"),
        _chosen("scope", "否决范围", VetoScope, hint="一票否决"),
        _flag("requires_photo", "须拍照", "每条结论是否必须有照片，留空为否"),
        Column(
            "site_types", "适用点位类型", _lines(200), max_length=20_000, show="\n".join, hint="代码或名称，每行一个"
        ),
        Column("duties", "责任单位", _lines(50), max_length=10_000, show="\n".join, hint="每行一个，第一个为牵头单位"),
        Column("evidence", "所需材料", _lines(50), max_length=11_000, show="\n".join, hint="每行一项"),
        Column("note", "备注", _paragraphs, max_length=4000),
        Column("source", "出处", _paragraphs, max_length=1000),
    ),
)
DETAILS = Table(
    "评分细则",
    (
        Column("standard_code", "标准编号", _line, required=True, max_length=50),
        Column("code", "代码", _line, required=True, max_length=40),
        Column("label", "名称", _line, required=True, max_length=200),
        Column("factor", "得分系数", decimal(0, 1), hint="分档评分，0 至 1"),
        Column("points", "每处扣分", _points, hint="扣分评分，留空由测评人员填写"),
        Column("cap", "扣分上限", _points, hint="扣分评分，该原因合计最多扣分"),
    ),
)
TABLES = (SYSTEM, INDICATORS, STANDARDS, DETAILS)
