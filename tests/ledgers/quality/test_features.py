"""Features of content: lengths, captions, document numbers."""

import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from tests.ledgers.quality import strategies

from wenming_api.ledgers.features.rules import (
    CAPTION_FIELDS,
    COLUMNS,
    Features,
    MalformedFeatures,
    features_from,
    features_of,
    is_document_number,
)
from wenming_api.ledgers.records.models import RecordFeatures

FULL = dict.fromkeys(CAPTION_FIELDS, "淄博一中操场")


def made(**given_: Any) -> Features:
    plain: dict[str, Any] = {
        "title": "",
        "text": "",
        "captions": [],
        "saved_on": date(2026, 3, 1),
        "unit_names": [],
        "category_codes": [],
        "category_ids": [],
        "unit_path": "1/",
        "region_path": "370300000000/",
    }
    return features_of(**plain | given_)


def test_lengths_are_code_points_in_nfc_without_surrounding_white_space() -> None:
    assert made(text="\u3000 学雷锋\n活动 \u00a0").text_length == 6
    assert made(text="𠮷").text_length == 1  # beyond the basic plane
    assert made(text=unicodedata.normalize("NFD", "é")).text_length == 1
    assert made(text=" \n\u3000").text_length == 0
    assert made(text="\u200b").text_length == 1  # a zero width space is no white space
    assert made(title=" 标题 ", conclusion="符合").title_length == 2


def test_captions_are_counted_by_field() -> None:
    features = made(captions=[FULL, FULL | {"people": "\u3000"}, {"time": "上午"}, {}, {"place": None}])
    assert features.photos == 5
    assert features.photos_with_time == 3
    assert features.photos_with_people == 1
    assert features.photos_fully_captioned == 1


def test_the_unit_is_found_in_text_and_captions() -> None:
    names = ["淄博市第一中学", None, "  "]
    assert made(text="今天，淄博市第一中学开展活动", unit_names=names).unit_named_in_text
    assert not made(text="今天开展活动", unit_names=names).unit_named_in_text
    assert made(captions=[{"theme": "淄博市第一中学升旗"}, FULL], unit_names=names).photos_naming_unit == 1


def test_the_rest() -> None:
    features = made(
        attachment_kinds=["statement", "table", "other", "unheard of", "normative_document", "statement"],
        document_number="文明办〔2026〕12号",
        place=" ",
        longitude=Decimal(118),
        latitude=Decimal(36),
        participants="张三",
        participant_count=0,
        work_area="",
    )
    assert (features.attachments, features.statements, features.tables) == (6, 2, 1)
    assert (features.normative_documents, features.other_attachments) == (1, 2)
    assert features.has_document_number
    assert features.document_number_well_formed
    assert not features.place_given
    assert features.located
    assert features.people_named
    assert features.participants == 0
    assert features.work_area is None


@pytest.mark.parametrize("number", ["文明办〔2026〕12号", " 淄文明委〔1999〕1号 ", "A政〔2026〕123456号"])
def test_document_numbers(number: str) -> None:
    assert is_document_number(number)


@pytest.mark.parametrize(
    "number",
    ["", None, "文明办[2026]12号", "文明办(2026)12号", "文明办〔26〕12号", "文明办〔2026〕012号", "文明办〔2026〕12",
     "文明办〔2026〕第12号", "〔2026〕12号", "文明办〔2026〕号", "文明办〔2026〕12号号", "文 明办〔2026〕12号",
     "文明办〔２０２６〕12号",
     "文明办〔2026〕1234567号", "文" * 21 + "〔2026〕1号", "文明办〔3026〕1号"],
)  # fmt: skip
def test_what_is_no_document_number(number: str | None) -> None:
    assert not is_document_number(number)


@given(strategies.features)
def test_features_survive_being_written(features: Features) -> None:
    assert features_from(features.document()) == features


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "/saved_on"),
        ({"saved_on": "2026-3-1"}, "/saved_on"),
        ({"saved_on": "2026-03-01", "photo": 1}, "/photo"),
        ({"saved_on": "2026-03-01", "photos": -1}, "/photos"),
        ({"saved_on": "2026-03-01", "photos": None}, "/photos"),
        ({"saved_on": "2026-03-01", "photos": 10**30}, "/photos"),
        ({"saved_on": "2026-03-01", "volunteer_hours": "1e3"}, "/volunteer_hours"),
        ({"saved_on": "2026-03-01", "volunteer_hours": "١"}, "/volunteer_hours"),
        ({"saved_on": "2026-03-01", "located": 1}, "/located"),
        ({"saved_on": "2026-03-01", "work_area": "a\u0000"}, "/work_area"),
        ({"saved_on": "2026-03-01", "category_ids": ["x"]}, "/category_ids"),
        ({"saved_on": "2026-03-01", "category_codes": "x"}, "/category_codes"),
    ],
)
def test_malformed_features_are_named(document: dict[str, Any], pointer: str) -> None:
    with pytest.raises(MalformedFeatures) as caught:
        features_from(document)
    assert [at for at, _ in caught.value.faults] == [pointer]


def test_rows_have_plain_lists() -> None:
    row = made(category_codes=["b", "a"], category_ids=[UUID(int=2), UUID(int=1)]).row()
    assert row["category_codes"] == ["a", "b"]
    assert row["category_ids"] == [UUID(int=1), UUID(int=2)]


def test_the_table_of_stored_features_has_these_columns() -> None:
    """Text is compared by bytes, hours have two decimals: what types mean, Python and SQL must agree on."""
    types = {
        "VARCHAR": "text",
        "TEXT": "text",
        "UUID[]": "uuid[]",
        "TEXT[]": "text[]",
        "NUMERIC(12, 2)": "numeric(12,2)",
    }
    table = RecordFeatures.__table__
    there = {
        column.name: (types.get(spelled := column.type.compile(dialect()), spelled.lower()), column.nullable)
        for column in table.c
    }
    assert {name: there.get(name) for name in COLUMNS} == dict(COLUMNS)
