"""A million records: pages and searches keep to their times, common words and rare ones alike."""

import random
import time
from typing import Any

import pytest
from tests import servers
from tests.factories.callers import make_user
from tests.factories.places import make_county, make_unit
from tests.factories.records import make_catalogue

from wenming_api.access.scope import Scope
from wenming_api.kit.db import raw_connection
from wenming_api.kit.pages import PageParams
from wenming_api.ledgers.contents.rules import bigrams
from wenming_api.ledgers.record_searches.queries import list_records
from wenming_api.ledgers.record_searches.schemas import RecordFilter

ROWS = 1_000_000
TEXTS = 2_000
UNITS = 1_000
_VOCABULARY = (
    "文明城市创建志愿服务道德讲堂我们的节日环境整治社区学校机关医院公园广场清扫慰问宣传培训检查会议活动组织参加开展"
)
_FILL = """
INSERT INTO records (id, number, state, title, work_area_code, happened_on, current_version_no, submitted_once,
                     owner_id, unit_id, unit_path, region_path, searched, search, created_at, updated_at, version)
OVERRIDING SYSTEM VALUE
SELECT gen_random_uuid(), n, (ARRAY['draft', 'in_review', 'approved', 'returned'])[1 + n % 4], '记录' || n,
       'volunteer_service', DATE '2024-01-01' + n % 900, 1, false, $1, u.id, u.unit_path, u.region_path,
       t.text || ' ' || r.word,
       t.search || array_to_tsvector(r.pairs), t0, t0, 1
  FROM generate_series(1, $2) n
  JOIN texts t ON t.no = n::bigint * 7919 % $3
  JOIN places u ON u.no = n::bigint * 104729 % $4
  CROSS JOIN LATERAL (SELECT TIMESTAMPTZ '2024-01-01' + n * INTERVAL '1 minute' AS t0) at
  CROSS JOIN LATERAL (SELECT chr(19968 + n % 5000) || chr(25000 + n / 5000) AS word) w
  CROSS JOIN LATERAL (SELECT w.word, ARRAY[w.word] AS pairs) r
"""


@pytest.mark.long
async def test_a_million_records_are_searched_in_time(database, resources, database_name):
    async with database.transaction() as session:
        unit = await make_unit(session, region=await make_county(session))
        units = [
            unit,
            *[await make_unit(session, region=await make_county(session, 1 + no % 9)) for no in range(UNITS - 1)],
        ]
        author = await make_user(session, unit=unit)
        nodes = await make_catalogue(session, unit)
        dice = random.Random(7)
        texts = ["".join(dice.choice(_VOCABULARY) for _ in range(80)) for _ in range(TEXTS)]
        texts = [f"志愿{text}" if no % 10 else f"庆祝{text}" for no, text in enumerate(texts)]
    async with database.transaction() as session:
        raw = await raw_connection(session)
        await _fill(raw, units, texts, author.id)
    servers.postgres().psql("VACUUM ANALYZE records", database=database_name)
    rare = "".join([chr(19968 + 4242), chr(25000 + 77)])
    county = units[3].region_path
    cases: dict[str, tuple[Scope, dict[str, Any]]] = {
        "all": (_everything(), {}),
        "state": (_everything(), {"state": "returned"}),
        "common": (_everything(), {"q": "志愿"}),
        "tenth": (_everything(), {"q": "庆祝"}),
        "longer": (_everything(), {"q": texts[5][10:14]}),
        "rare": (_everything(), {"q": rare}),
        "none": (_everything(), {"q": "麒麟"}),
        "two words": (_everything(), {"q": f"志愿 {texts[5][20:23]}"}),
        "common in a unit": (Scope(all_rows=False, unit_prefixes=(unit.unit_path,)), {"q": "志愿"}),
        "common in a county": (Scope(all_rows=False, region_prefixes=(county,)), {"q": "志愿"}),
        "rare in a county": (Scope(all_rows=False, region_prefixes=(county,)), {"q": rare}),
        "one unit": (Scope(all_rows=False, unit_prefixes=(unit.unit_path,)), {}),
        "category": (_everything(), {"node_id": nodes["1"].id}),
    }
    slow = {}
    for name, (scope, filters) in cases.items():
        taken = []
        for page in (1, 1, 1, 2, 3, 1, 1, 1):  # plans are made anew a few times, then kept
            began = time.perf_counter()
            found = await list_records(
                resources.reader, scope=scope, wanted_=RecordFilter(**filters), params=PageParams(page)
            )
            taken.append((time.perf_counter() - began) * 1000)
        print(f"{name}: total {found.total}, ms {[round(each, 1) for each in taken]}")
        slow[name] = sorted(taken)[-2]
    assert {name: ms for name, ms in slow.items() if ms > 200} == {}


def _everything() -> Scope:
    return Scope.everything("measuring")


async def _fill(raw: Any, units: list[Any], texts: list[str], author_id: Any) -> None:
    await raw.execute("CREATE TEMP TABLE texts (no int PRIMARY KEY, text text, search tsvector)")
    await raw.execute("CREATE TEMP TABLE places (no int PRIMARY KEY, id uuid, unit_path text, region_path text)")
    await raw.copy_records_to_table(
        "places", records=[(no, each.id, each.unit_path, each.region_path) for no, each in enumerate(units)]
    )
    await raw.executemany(
        "INSERT INTO texts SELECT $1, $2, array_to_tsvector($3::text[])",
        [(no, text, bigrams(text)) for no, text in enumerate(texts)],
    )
    await raw.execute(_FILL, author_id, ROWS, TEXTS, UNITS, timeout=1_800)
