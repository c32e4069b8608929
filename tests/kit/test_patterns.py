"""Text of a wrong form is answered with what is wanted, and every pattern of the contract has its words."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from wenming_api.catalog.patterns import PATTERNS

CONTRACT = Path(__file__).parents[2] / "openapi" / "v1.json"
DECIMALS = "^-?[0-9]{1,16}"
"""Decimals have a pattern in the contract alone; what is wrong with one is said as of a number."""


def patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(found := node.get("pattern"), str) and not found.startswith(DECIMALS):
            yield found
        for value in node.values():
            yield from patterns(value)
    elif isinstance(node, list):
        for value in node:
            yield from patterns(value)


def test_every_pattern_of_the_contract_has_words() -> None:
    assert set(patterns(json.loads(CONTRACT.read_text(encoding="utf-8")))) <= set(PATTERNS)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_example_is_true(pattern: str) -> None:
    words, _, example = PATTERNS[pattern].partition("，例如 ")
    assert words
    assert re.search(pattern, example)


async def test_a_wrong_form_is_answered_with_what_is_wanted(admin: httpx.AsyncClient) -> None:
    answer = await admin.get("/regions", params={"under": "淄博"})
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/query/under"
    assert error["message"].endswith("例如 370300000000/370302000000/")
    answer = await admin.post("/regions", json={"code": "3703", "name": "高新区", "level": "county"})
    messages = {each["pointer"]: each["message"] for each in answer.json()["errors"]}
    assert messages["/code"] == "格式不正确，应为 12 位数字的区划代码，例如 370302000000"
