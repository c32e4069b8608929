"""What pydantic finds wrong, as a problem in Chinese that points at each field."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from wenming_api.kit.problems import FieldError, InvalidInput

_MESSAGES = {
    "missing": "必填",
    "extra_forbidden": "没有这个字段",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不正确",
    "string_type": "应为文本",
    "string_unicode": "含有残缺字符，请重新输入",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "int_parsing_size": "整数过大",
    "bool_parsing": "应为 true 或 false",
    "bool_type": "应为 true 或 false",
    "decimal_parsing": "应为数字",
    "decimal_type": "应为数字",
    "decimal_max_digits": "数字位数过多",
    "decimal_max_places": "小数位数过多",
    "decimal_whole_digits": "整数位数过多",
    "finite_number": "应为有限的数",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "greater_than_equal": "不能小于 {ge}",
    "greater_than": "须大于 {gt}",
    "less_than_equal": "不能大于 {le}",
    "less_than": "须小于 {lt}",
    "enum": "只能是 {expected}",
    "literal_error": "只能是 {expected}",
    "uuid_parsing": "应为 UUID",
    "uuid_type": "应为 UUID",
    "uuid_version": "应为 UUIDv{expected_version}",
    "datetime_parsing": "应为带时区的时间，如 2026-11-22T09:30:00+08:00",
    "datetime_from_date_parsing": "应为带时区的时间，如 2026-11-22T09:30:00+08:00",
    "datetime_type": "应为带时区的时间，如 2026-11-22T09:30:00+08:00",
    "timezone_aware": "时间须带时区",
    "date_parsing": "应为日期，如 2026-11-22",
    "date_type": "应为日期，如 2026-11-22",
    "date_from_datetime_inexact": "应为日期，如 2026-11-22",
    "date_from_datetime_parsing": "应为日期，如 2026-11-22",
    "list_type": "应为列表",
    "too_short": "至少 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "json_invalid": "不是有效的 JSON",
    "union_tag_invalid": "类型只能是 {expected_tags}",
    "union_tag_not_found": "须指明类型",
    "none_required": "须为空",
}


_patterns: dict[str, str] = {}


def explain_patterns(words: Mapping[str, str]) -> None:
    """Say from now on what text of these patterns has to look like."""
    _patterns.update(words)


_PLAIN = (int, float, str, Decimal)


def _pointer(location: tuple[Any, ...]) -> str:
    within = location[1:] if location[:1] == ("body",) else location  # a field may be called body too
    parts = [str(part) for part in within]
    escaped = [part.replace("~", "~0").replace("/", "~1") for part in parts]
    clean = "".join(f"/{part}" for part in escaped)
    return clean.encode("utf-8", "replace").decode()


def message_of(error: Mapping[str, Any]) -> str:
    """One finding of pydantic, in Chinese."""
    template = _MESSAGES.get(error["type"])
    if template is None:
        return str(error["msg"]).removeprefix("Value error, ").encode("utf-8", "replace").decode()
    limits = {
        key: value for key, value in error.get("ctx", {}).items() if isinstance(value, (int, float, str, Decimal))
    }
    if error["type"] == "string_pattern_mismatch" and limits.get("pattern") in _patterns:
        return f"{template}，{_patterns[str(limits['pattern'])]}"
    if isinstance(expected := limits.get("expected"), str):  # pydantic lists them in English: 'a', 'b' or 'c'
        limits["expected"] = expected.replace(" or ", "、").replace(", ", "、")
    try:
        return template.format(**limits)
    except KeyError:
        return template.split("{")[0].strip()


def invalid(errors: Sequence[Any]) -> InvalidInput:
    """The problem of wrong fields."""
    return InvalidInput(errors=[FieldError(_pointer(e["loc"]), message_of(e)) for e in errors[:100]])


_SHOWN = 20


def unknown_parameters(given: Iterable[str], taken: Collection[str]) -> list[FieldError]:
    """What to say of query parameters that an address does not take, each with the nearest name that it does."""
    errors = []
    for name in list(dict.fromkeys(each for each in given if each not in taken))[:_SHOWN]:
        shown = name[:100].encode("utf-8", "replace").decode()
        near = get_close_matches(name[:100], sorted(taken), n=1)
        advice = f"，是否想用“{near[0]}”？" if near else "，请核对接口文档" if taken else "；此地址不接受查询参数"
        errors.append(FieldError(_pointer(("query", shown)), f"没有名为“{shown}”的查询参数{advice}"))
    return errors
