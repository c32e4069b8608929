"""The golden cases in the repository: what the file says, Python and PostgreSQL say too."""

import json
from datetime import date
from typing import Any

import pytest
from scripts import quality_golden
from sqlalchemy import text
from tests.ledgers.quality.test_sql import selected

from wenming_api.kit.db import Database
from wenming_api.ledgers.features.rules import features_from, features_of
from wenming_api.ledgers.quality.rules import Sql, finding_sql, rule_from


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    """The file as any client reads it."""
    return dict(json.loads(quality_golden.FILE.read_bytes()))


def test_the_file_is_what_the_generator_writes() -> None:
    assert quality_golden.FILE.read_bytes() == quality_golden.rendered()


def test_there_are_a_thousand_cases_of_every_kind(golden: dict[str, Any]) -> None:
    said = [each[4] for each in golden["cases"]]
    assert len(said) == 1_000
    assert min(said.count(each) for each in ("finding", "holds", "not_judged")) > 100
    everything = json.dumps(golden["rules"])
    operators = ["all", "any", "not", "when", "at_least", "at_most", "equals", "between", "within_days", "is_true"]
    for operator in [*operators, "is_given", "one_of", "category"]:
        assert f'"{operator}"' in everything


def test_python_gives_the_golden_verdicts(golden: dict[str, Any]) -> None:
    rules = [rule_from(each) for each in golden["rules"]]
    vectors = [features_from(each) for each in golden["features"]]
    for rule, vector, on, server, said in golden["cases"]:
        day = date.fromisoformat(on)
        assert quality_golden.verdict(rules[rule], vectors[vector], on=day, server=server) == said


async def test_postgresql_gives_the_golden_verdicts(golden: dict[str, Any], database: Database) -> None:
    rules = [rule_from(each) for each in golden["rules"]]
    vectors = [features_from(each) for each in golden["features"]]
    checked = 0
    async with database.read() as session:
        for vector, features in enumerate(vectors):
            mine = [each for each in golden["cases"] if each[1] == vector and each[3]]
            mine = [each for each in mine if rules[each[0]].effective(date.fromisoformat(each[2]))]
            if not mine:
                continue
            out = Sql(prefix="r")
            columns = [f"{finding_sql(rules[each[0]], out)} AS case{no}" for no, each in enumerate(mine)]
            row, values = selected([features])
            found = await session.execute(text(f"SELECT {', '.join(columns)} FROM ({row}) f"), values | out.values)
            assert list(found.one()) == [each[4] == "finding" for each in mine]
            checked += len(mine)
    assert checked > 500


def test_features_of_contents(golden: dict[str, Any]) -> None:
    for each in golden["contents"]:
        made = features_of(
            **each["content"],
            saved_on=date(2026, 3, 1),
            category_codes=[],
            category_ids=[],
            unit_path="",
            region_path="",
        )
        assert made == features_from(each["features"])
