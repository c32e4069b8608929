"""The language by itself: read, written, judged; what is malformed is named."""

import json
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledgers.quality import strategies

from wenming_api.ledgers.expression_texts.rules import MAX_DEPTH, MAX_NODES, MalformedExpression
from wenming_api.ledgers.expressions.rules import path_of
from wenming_api.ledgers.features.rules import COLUMNS, FEATURES, Features
from wenming_api.ledgers.quality.rules import Reach, Rule, RuleSet, Severity, judge, parse, rule_from

TODAY = date(2026, 3, 1)


def holds(document: Any, **given_: Any) -> bool:
    return parse(document).holds(Features(saved_on=TODAY, **given_))


def test_every_column_is_a_feature_and_the_other_way_round() -> None:
    assert {each.name for each in fields(Features)} == set(COLUMNS)


PHOTOS = {"at_least": {"feature": "photos", "value": 2}}
HOURS = {"at_least": {"feature": "volunteer_hours", "value": "3", "per": "participants"}}
QUARTER = {"between": {"feature": "happened_on", "from": "2026-01-01", "until": "2026-03-31"}}
UNTIL = {"between": {"feature": "happened_on", "until": "2026-03-31"}}
IN_PERIOD = {"between": {"feature": "happened_on", "from": {"feature": "period_start"}}}
SOON = {"within_days": {"feature": "saved_on", "after": "happened_on", "days": 30}}


@pytest.mark.parametrize(
    ("document", "given_", "expected"),
    [
        (PHOTOS, {"photos": 2}, True),
        (PHOTOS, {"photos": 1}, False),
        ({"at_most": {"feature": "text_length", "value": 500}}, {"text_length": 501}, False),
        (HOURS, {"volunteer_hours": Decimal("29.99"), "participants": 10}, False),
        (HOURS, {"volunteer_hours": Decimal(30), "participants": 10}, True),
        # what is missing compares as false, whichever way; its negation holds
        (HOURS, {"volunteer_hours": Decimal(30)}, False),
        ({"at_least": {"feature": "participants", "value": 0}}, {}, False),
        ({"at_most": {"feature": "participants", "value": 9}}, {}, False),
        ({"not": {"at_least": {"feature": "participants", "value": 1}}}, {}, True),
        (QUARTER, {"happened_on": date(2026, 1, 1)}, True),
        (QUARTER, {"happened_on": date(2026, 3, 31)}, True),
        (UNTIL, {"happened_on": date(2026, 4, 1)}, False),
        (IN_PERIOD, {"happened_on": TODAY}, False),
        (IN_PERIOD, {"happened_on": TODAY, "period_start": TODAY}, True),
        (SOON, {"happened_on": date(2026, 1, 30)}, True),
        (SOON, {"happened_on": date(2026, 1, 29)}, False),
        (SOON, {"happened_on": date(2026, 3, 2)}, False),
        ({"equals": {"feature": "volunteer_hours", "value": "2.50"}}, {"volunteer_hours": Decimal("2.5")}, True),
        ({"is_true": "duplicate_photo"}, {}, False),
        ({"is_given": "volunteer_hours"}, {"volunteer_hours": Decimal(0)}, True),
        ({"one_of": {"feature": "work_area", "values": ["a", "b"]}}, {"work_area": "b"}, True),
        ({"category": ["01"]}, {"category_codes": frozenset({"01", "0103"})}, True),
        ({"when": {"category": ["01"]}, "then": {"is_true": "located"}}, {}, True),
    ],
)
def test_operators(document: Any, given_: dict[str, Any], expected: bool) -> None:
    assert holds(document, **given_) is expected


@given(strategies.documents, strategies.features)
def test_an_expression_survives_being_written(document: Any, features: Features) -> None:
    expression = parse(document)
    again = parse(json.loads(json.dumps(expression.document())))
    assert again.document() == expression.document()
    assert again.holds(features) == expression.holds(features)
    assert expression.words()
    assert path_of(expression) in {"/node_ids", *(each.path for each in FEATURES.values())}


@given(strategies.rules())
def test_a_rule_survives_being_published(rule: Rule) -> None:
    again = rule_from(json.loads(json.dumps(rule.document())))
    assert again.document() == rule.document()
    assert RuleSet.of([again]).hash == RuleSet.of([rule]).hash


@given(strategies.documents, strategies.features)
def test_logic_keeps_its_laws(document: Any, features: Features) -> None:
    held = parse(document).holds(features)
    assert parse({"not": document}).holds(features) is not held
    assert parse({"all": [document, {"not": document}]}).holds(features) is False
    assert parse({"any": [document, {"not": document}]}).holds(features) is True
    assert parse({"when": document, "then": document}).holds(features) is True


@pytest.mark.parametrize(
    ("document", "pointer", "message"),
    [
        ([], "", "应为一个对象"),
        ({}, "", "应为一个对象"),
        ({"atleast": {}}, "", "是否想写 at_least"),
        ({"at_least": {"feature": "photo", "value": 1}}, "/at_least/feature", "是否想写 photos"),
        ({"at_least": {"feature": "happened_on", "value": 1}}, "/at_least/feature", "不能用于此运算符"),
        ({"at_least": {"feature": "photos", "value": -1}}, "/at_least/value", "整数"),
        ({"at_least": {"feature": "photos", "value": True}}, "/at_least/value", "整数"),
        ({"at_least": {"feature": "photos", "value": 1.5}}, "/at_least/value", "整数"),
        ({"at_least": {"feature": "volunteer_hours", "value": 1.5}}, "/at_least/value", "写作字符串"),
        ({"at_least": {"feature": "volunteer_hours", "value": "1.005"}}, "/at_least/value", "两位小数"),
        ({"at_least": {"feature": "photos"}}, "/at_least", "缺少 value"),
        ({"at_least": {"feature": "photos", "value": 1, "unit": "x"}}, "/at_least", "没有“unit”"),
        ({"at_least": 2}, "/at_least", "应为对象"),
        ({"all": []}, "/all", "1–50 项"),
        ({"all": [{"is_true": "located"}, {"is_true": "photos"}]}, "/all/1/is_true", "不能用于此运算符"),
        ({"any": [{"is_true": "located"}], "not": {"is_true": "located"}}, "", "只能有一个运算符"),
        ({"when": {"is_true": "located"}}, "", "须同时给出"),
        ({"between": {"feature": "happened_on"}}, "/between", "至少给出一个"),
        ({"between": {"feature": "happened_on", "from": "2026-02-30"}}, "/between/from", "日期"),
        ({"between": {"feature": "happened_on", "from": "2026-03-01", "until": "2026-02-01"}}, "/between", "不能晚于"),
        ({"within_days": {"feature": "saved_on", "after": "happened_on", "days": 99999}}, "/within_days/days", "天"),
        ({"is_given": "photos"}, "/is_given", "总是有的"),
        ({"category": [" "]}, "/category/0", "不能为空"),
        ({"category": ["a\u0000"]}, "/category/0", "控制字符"),
        ({"category": ["a\ud800"]}, "/category/0", "控制字符"),
        ({"category": ["x" * 65]}, "/category/0", "64"),
        ({"category": ["x"] * 51}, "/category", "1–50 项"),
        ({"regex": ".*"}, "", "没有运算符“regex”"),
    ],
)
def test_what_is_malformed_is_named(document: Any, pointer: str, message: str) -> None:
    with pytest.raises(MalformedExpression) as caught:
        parse(document)
    (fault,) = caught.value.faults
    assert fault.pointer == pointer
    assert message in fault.message


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(MalformedExpression) as caught:
        parse({"all": [{"is_true": "nothing"}, {"any": [{"at_least": 3}]}, {"is_true": "located"}]})
    assert [fault.pointer for fault in caught.value.faults] == ["/all/0/is_true", "/all/1/any/0/at_least"]


def nested(depth: int) -> Any:
    document: Any = {"is_true": "located"}
    for _ in range(depth - 1):
        document = {"not": document}
    return document


def test_depth_and_size_are_bounded() -> None:
    parse(nested(MAX_DEPTH))
    for hostile in (nested(MAX_DEPTH + 1), nested(500)):
        with pytest.raises(MalformedExpression, match="嵌套"):
            parse(hostile)
    leaf = {"is_true": "located"}
    parse({"all": [{"all": [leaf] * 48}, {"all": [leaf] * 48}]})
    with pytest.raises(MalformedExpression, match=f"{MAX_NODES} 个条件"):
        parse({"all": [{"all": [leaf] * 50}, {"all": [leaf] * 50}]})


_keys = st.sampled_from(["all", "not", "feature", "value", "at_least", "x"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
)


@given(_json)
def test_any_json_is_read_or_refused(document: Any) -> None:
    try:
        expression = parse(document)
    except MalformedExpression as refused:
        named = len(refused.faults)
    else:
        named = len(expression.words())
    assert named > 0


def test_rules_that_only_the_server_can_judge_are_passed_over_elsewhere() -> None:
    rule = Rule("dup", 1, "重复照片", "照片重复", Severity.SERIOUS, parse({"not": {"is_true": "duplicate_photo"}}))
    features = Features(saved_on=TODAY, duplicate_photo=True)
    assert rule.server_only
    assert [each.code for each in judge(RuleSet.of([rule]), features, server=True)] == ["dup"]
    assert judge(RuleSet.of([rule]), features, server=False) == []


def test_a_rule_reaches_its_own() -> None:
    rule = Rule("x", 1, "x", "x", Severity.MINOR, parse({"is_true": "located"}), reach=Reach.UNITS, reach_path="1/15/")
    said = [
        bool(judge(RuleSet.of([rule]), Features(saved_on=TODAY, unit_path=path), server=True))
        for path in ("1/15/", "1/15/208/", "1/150/", "1/")
    ]
    assert said == [True, True, False, False]
