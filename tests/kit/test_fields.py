"""Field types: what is refused, what is cleaned, how exact values travel."""

import json
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from wenming_api.kit.fields import (
    Code,
    Latitude,
    Longitude,
    LongText,
    Name,
    PositiveScore,
    Reason,
    ScoreIn,
    ScoreOut,
    Search,
    ShortText,
    Strict,
)

TEXTS = {"Name": Name, "ShortText": ShortText, "LongText": LongText, "Reason": Reason, "Search": Search}
HOSTILE = ["a\x00b", "a\ud800b", "\udfff", "a\x1bb", "a\x7fb", "a\x85b"]


def model(kind):
    class One(Strict):
        value: kind

    return One


def accepted(kind, value):
    return model(kind)(value=value).value


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_nobody_stores_what_nobody_can_read(kind, hostile):
    with pytest.raises(ValidationError):
        accepted(TEXTS[kind], hostile)


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("Name", 1, 100), ("ShortText", 0, 200), ("LongText", 0, 20_000), ("Reason", 2, 500), ("Search", 1, 100)],
)
def test_lengths_count_what_is_left_after_cleaning(kind, least, most):
    assert accepted(TEXTS[kind], f"  {'字' * most}  ") == "字" * most
    with pytest.raises(ValidationError):
        accepted(TEXTS[kind], "字" * (most + 1))
    if least:
        for blank in ("", "   ", "\u3000"):
            with pytest.raises(ValidationError):
                accepted(TEXTS[kind], blank)
        with pytest.raises(ValidationError):
            accepted(TEXTS[kind], f"  {'字' * (least - 1)}  ")


@pytest.mark.parametrize("kind", ["Name", "ShortText"])
@pytest.mark.parametrize("line_break", ["\n", "\r", "\t"])
def test_names_stay_on_one_line(kind, line_break):
    with pytest.raises(ValidationError):
        accepted(TEXTS[kind], f"一{line_break}二")
    assert accepted(LongText, f"一{line_break}二") == f"一{line_break}二"


@given(st.text(max_size=60))
def test_what_is_accepted_is_clean(text):
    try:
        kept = accepted(LongText, text)
    except ValidationError:
        assert any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
        return
    assert kept == unicodedata.normalize("NFC", text).strip()
    kept.encode()  # neither surrogates …
    assert "\x00" not in kept  # … nor what PostgreSQL cannot store
    assert accepted(LongText, kept) == kept


@given(st.decimals(-1_000_000, 1_000_000, places=10, allow_nan=False))
def test_scores_travel_exactly(score):
    class Round(BaseModel):
        value: ScoreOut

    sent = json.loads(Round(value=score).model_dump_json())["value"]
    assert isinstance(sent, str)
    assert "E" not in sent
    assert Decimal(sent) == score


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "1e400", "1000000.1", "0.00000000001", "一", "", None])
def test_numbers_that_are_none_are_refused(bad):
    with pytest.raises(ValidationError):
        accepted(ScoreIn, bad)


def test_a_positive_score_is_more_than_zero():
    assert accepted(PositiveScore, "0.1") == Decimal("0.1")
    with pytest.raises(ValidationError):
        accepted(PositiveScore, "0")


@pytest.mark.parametrize(("kind", "most"), [(Longitude, 180), (Latitude, 90)])
def test_places_are_on_the_earth(kind, most):
    assert accepted(kind, str(most)) == most
    for outside in (f"{most}.00000001", f"-{most}.00000001", "NaN"):
        with pytest.raises(ValidationError):
            accepted(kind, outside)


@pytest.mark.parametrize("bad", ["", "-a", "有", "a b", "a" * 65, "a\n"])
def test_codes_are_plain(bad):
    with pytest.raises(ValidationError):
        accepted(Code, bad)


def test_unknown_fields_are_errors():
    with pytest.raises(ValidationError):
        model(Name)(value="甲", other=1)
