"""Screening 200,000 records by 20 rules takes at most five seconds."""

import time

import pytest
from tests import servers
from tests.factories.callers import make_user
from tests.factories.places import make_unit

from wenming_api.kit.db import Database
from wenming_api.kit.embedded.postgres import SUPERUSER
from wenming_api.ledgers.quality.rules import Reach, Rule, RuleSet, Severity, parse
from wenming_api.ledgers.screenings.models import Screening
from wenming_api.ledgers.screenings.queries import find_hits
from wenming_api.ledgers.screenings.rules import Area

RECORDS = 200_000
BAR_SECONDS = 5.0
FILL = """
SET session_replication_role = replica;
INSERT INTO record_features (version_id, record_id, unit_id, unit_path, region_path, owner_id, current, category_codes,
  category_ids, photos, photos_with_time, photos_with_place, photos_with_people, photos_with_theme,
  photos_with_background, photos_with_reason, photos_fully_captioned, photos_naming_unit, videos, attachments,
  normative_documents, statements, tables, other_attachments, title_length, text_length, conclusion_length, underlines,
  participants, volunteer_hours, happened_on, saved_on, has_document_number, document_number_well_formed, place_given,
  located, people_named, unit_named_in_text, duplicate_photo)
SELECT gen_random_uuid(), gen_random_uuid(), u.id, u.unit_path, u.region_path, NULL, true,
  ARRAY['v', 'v' || (i % 7)], ARRAY[gen_random_uuid(), gen_random_uuid()], {values}
FROM generate_series(1, {records}) i CROSS JOIN (SELECT * FROM units ORDER BY id LIMIT 1) u;
ANALYZE record_features;
"""
FEW_FLAGGED = """
  CASE WHEN i % 97 = 0 THEN 1 ELSE 3 + i % 3 END, 3, 3, 3, 3, 3, 3, CASE WHEN i % 101 = 0 THEN 1 ELSE 3 END,
  CASE WHEN i % 103 = 0 THEN 0 ELSE 2 END, 0, CASE WHEN i % 151 = 0 THEN 0 ELSE 2 END, 1, 1, 0, 0, 10,
  CASE WHEN i % 89 = 0 THEN 60 + i % 240 ELSE 300 + i % 400 END, 50, 1, 1 + i % 30,
  (1 + i % 30) * CASE WHEN i % 107 = 0 THEN 2 ELSE 4 END,
  date '2026-01-01' + CASE WHEN i % 113 = 0 THEN 290 ELSE i % 270 END,
  date '2026-01-01' + CASE WHEN i % 113 = 0 THEN 290 ELSE i % 270 END + CASE WHEN i % 109 = 0 THEN 20 ELSE i % 15 END,
  true, i % 30 <> 0, i % 127 <> 0, i % 131 <> 0, i % 137 <> 0, i % 139 <> 0, i % 149 = 0
"""
"""Each rule finds something in about one record of a hundred."""
ALL_FLAGGED = """
  i % 5, i % 5, i % 4, i % 3, i % 5, i % 2, i % 3, i % 2, i % 3, i % 2, i % 4, i % 2, i % 2, 0, 0, 10, i % 700, i % 50,
  i % 3, nullif(i % 30, 0), (i % 90)::numeric, date '2026-01-01' + i % 300, date '2026-01-20' + i % 300, i % 2 = 0,
  i % 3 = 0, i % 5 > 0, i % 2 = 0, i % 7 > 0, i % 4 > 0, i % 50 = 0
"""
EXPRESSIONS = [
    *({"at_least": {"feature": f"photos{each}", "value": 2}} for each in ("", "_fully_captioned", "_naming_unit")),
    *({"at_least": {"feature": "text_length", "value": value}} for value in (100, 200, 300)),
    {"at_least": {"feature": "volunteer_hours", "value": "3", "per": "participants"}},
    {"within_days": {"feature": "saved_on", "after": "happened_on", "days": 15}},
    {"between": {"feature": "happened_on", "from": "2026-01-01", "until": "2026-09-30"}},
    *({"is_true": name} for name in ("located", "place_given", "people_named", "unit_named_in_text")),
    {"not": {"is_true": "duplicate_photo"}},
    *({"when": {"category": [f"v{no}"]}, "then": {"is_true": "document_number_well_formed"}} for no in range(5)),
    {"all": [{"at_least": {"feature": "attachments", "value": 1}}, {"is_given": "participants"}]},
]  # fmt: skip


async def seconds_for(database: Database, database_name: str, values: str) -> tuple[float, int]:
    """How long it takes, and how many records are flagged."""
    async with database.transaction() as session:
        unit = await make_unit(session)
        user = await make_user(session, unit=unit)
        place = {"unit_id": unit.id, "unit_path": unit.unit_path, "region_path": unit.region_path}
        made = Screening(**place, owner_id=user.id, rules=[], ruleset_hash="", area={}, filters={})
        session.add(made)
    servers.postgres().psql(FILL.format(records=RECORDS, values=values), database=database_name, role=SUPERUSER)
    severities = list(Severity)
    ruleset = RuleSet.of(
        Rule(f"r{no:02}", 1, "x", "x", severities[no % 3], parse(each), reach=Reach.REGION, reach_path="3703")
        for no, each in enumerate(EXPRESSIONS)
    )
    assert len(ruleset.rules) == 20
    async with database.transaction() as session:
        started, cpu = time.perf_counter(), time.process_time()
        looked_at, flagged, findings = await find_hits(
            session, screening_id=made.id, ruleset=ruleset, area=Area(all_rows=True)
        )
        seconds = time.perf_counter() - started
    client = time.process_time() - cpu
    print(f"{looked_at} records, {flagged} flagged, {findings} findings: {seconds:.2f} s, client {client:.2f} s")
    assert looked_at == RECORDS
    return seconds, flagged


@pytest.mark.long
async def test_two_hundred_thousand_records_by_twenty_rules(database: Database, database_name: str) -> None:
    seconds, flagged = await seconds_for(database, database_name, FEW_FLAGGED)
    assert 0.1 * RECORDS <= flagged <= 0.2 * RECORDS
    assert seconds <= BAR_SECONDS


@pytest.mark.long
async def test_the_same_when_every_record_is_flagged(database: Database, database_name: str) -> None:
    _, flagged = await seconds_for(database, database_name, ALL_FLAGGED)
    assert flagged == RECORDS
