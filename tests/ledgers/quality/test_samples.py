"""Sample rules: drafts with a source, added once."""

from datetime import date
from decimal import Decimal

import httpx
import pytest
from tests.factories.places import make_unit

from wenming_api.kit.db import Database
from wenming_api.ledgers.features.rules import Features
from wenming_api.ledgers.quality.models import QualityRule
from wenming_api.ledgers.quality.queries import active_rules
from wenming_api.ledgers.quality.rules import RuleState, parse, sample_rules
from wenming_api.ledgers.quality.schemas import QualityRuleCreate
from wenming_api.ledgers.quality.service import SAMPLE_NOTE, load_base_rules

NOTED = ("photos_with_time", "photos_with_place", "photos_with_people", "photos_with_theme")


async def test_samples_are_drafts_and_are_added_once(admin: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as session:
        added = await load_base_rules(session)
        assert added == len(sample_rules()) >= 10
    async with database.transaction() as session:
        assert await load_base_rules(session) == 0
        assert (await active_rules(session, on=None)).rules == ()
    listed = (await admin.get("/ledgers/quality-rules", params={"size": 100})).json()
    assert listed["total"] == added
    assert {each["state"] for each in listed["items"]} == {"draft"}
    assert all(each["name"].endswith(SAMPLE_NOTE) for each in listed["items"])


async def test_a_rule_of_the_customer_with_the_same_code_stays(database: Database) -> None:
    first = sample_rules()[0]
    async with database.transaction() as session:
        unit = await make_unit(session)
        place = {"unit_id": unit.id, "unit_path": unit.unit_path, "region_path": unit.region_path}
        kept = QualityRule(
            **{name: first[name] for name in ("code", "message", "severity", "expression")},
            **place, no=1, name="本市的", node_ids=[], reach="region", state=RuleState.RETIRED, source=None,
        )  # fmt: skip
        session.add(kept)
        await session.flush()
        assert await load_base_rules(session) == len(sample_rules()) - 1
        await session.refresh(kept)
        assert (kept.name, kept.state) == ("本市的", RuleState.RETIRED)


async def test_without_a_unit_none_are_added(database: Database) -> None:
    async with database.transaction() as session:
        assert await load_base_rules(session) == 0


@pytest.mark.parametrize("sample", sample_rules(), ids=lambda each: each["code"])
def test_a_sample_is_what_an_office_could_have_written(sample: dict[str, object]) -> None:
    given = dict(sample)
    made = QualityRuleCreate.model_validate(given | {"name": f"{given['name']}{SAMPLE_NOTE}"})
    assert made.source, "where it comes from"
    assert parse(made.expression).document() == made.expression, "written in the canonical form"


@pytest.mark.parametrize(
    ("code", "enough", "short"),
    [
        ("sample-activity-photos", {"photos": 2, "text_length": 10}, {"photos": 1, "text_length": 10}),
        ("sample-unit-name", {"photos_naming_unit": 1}, {}),
        ("sample-volunteer-photos", {"photos": 3, "text_length": 1}, {"photos": 3}),
        (
            "sample-volunteer-hours",
            {"participants": 4, "volunteer_hours": Decimal(12)},
            {"participants": 4, "volunteer_hours": Decimal("11.99")},
        ),
        ("sample-document-number", {"normative_documents": 1, "has_document_number": True}, {"normative_documents": 1}),
        ("sample-number-form", {}, {"has_document_number": True}),
        ("sample-quarter-photos", {"photos": 2, "text_length": 200}, {"photos": 2, "text_length": 199}),
        (
            "sample-photo-notes",
            {"photos": 1} | dict.fromkeys(NOTED, 1),
            {"photos": 1} | dict.fromkeys(NOTED[:-1], 1),
        ),
        ("sample-instructions", {"attachments": 2, "photos": 1}, {"attachments": 1, "photos": 1}),
        ("sample-mechanism", {"normative_documents": 1}, {"attachments": 1}),
        ("sample-photo-captions", {"photos": 2, "photos_fully_captioned": 2}, {"photos": 2}),
        ("sample-statement-length", {"text_length": 500}, {"text_length": 501}),
    ],
)
def test_a_sample_says_what_its_source_demands(code: str, enough: dict[str, object], short: dict[str, object]) -> None:
    expression = parse(next(each["expression"] for each in sample_rules() if each["code"] == code))
    assert expression.holds(Features(saved_on=date(2026, 3, 5), **enough))  # type: ignore[arg-type]
    assert not expression.holds(Features(saved_on=date(2026, 3, 5), **short))  # type: ignore[arg-type]
