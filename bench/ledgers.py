"""The generated volume of ledgers: a million records with a version each, on the units of the demo city."""

import random

import asyncpg

from wenming_api.kit.ids import uuid7
from wenming_api.ledgers.contents.rules import bigrams

RECORDS = 1_000_000
TEXTS = 2_000
BIG, SMALL = 10, 6
WORDS = ("志愿", "庆祝", "重阳敬老", "文明交通")
"""Looked for by the bench: in nine of ten records, in one of ten, in one of a hundred, in one of a thousand."""
_VOCABULARY = (
    "城市创建服务道德讲堂我们的节日环境整治社区学校机关医院公园广场清扫慰问宣传培训检查会议活动组织参加开展居民党员"
)


async def fill(db: asyncpg.Connection, scale: float, *, author: str) -> int:
    """Fill the ledgers with records of one author; answers how many there are."""
    count = int(RECORDS * scale)
    owner = await db.fetchval("SELECT id FROM users WHERE username = $1", author)
    await _catalogue(db)
    await _texts(db)
    await db.execute(
        """
        CREATE TEMP TABLE places ON COMMIT DROP AS
        SELECT row_number() OVER (ORDER BY number) - 1 AS no, id, unit_path, region_path FROM units;
        CREATE TEMP TABLE leaves ON COMMIT DROP AS
        SELECT row_number() OVER (ORDER BY n.path) - 1 AS no, n.id, n.path, p.id AS above FROM catalogue_nodes n
          JOIN catalogue_nodes p ON p.id = n.parent_id JOIN catalogues c ON c.id = n.catalogue_id
         WHERE c.code = 'bench' AND n.leaf;
        CREATE TEMP TABLE made ON COMMIT DROP AS
        SELECT n, uuidv7() AS id, uuidv7() AS version_id, n::bigint * 7919 % (SELECT count(*) FROM texts) AS text_no,
               n::bigint * 104729 % (SELECT count(*) FROM places) AS place_no,
               n::bigint * 31 % (SELECT count(*) FROM leaves) AS leaf_no,
               timestamptz '2022-01-01' + n * interval '2 minutes' AS at
          FROM generate_series(1, $COUNT) n;
        """.replace("$COUNT", str(count))
    )
    await db.execute(
        """
        INSERT INTO records (id, state, title, work_area_code, happened_on, current_version_no, approved_version_no,
                             submitted_once, owner_id, unit_id, unit_path, region_path, searched, search, created_at,
                             updated_at, version)
        SELECT m.id, (ARRAY['approved', 'approved', 'draft', 'in_review', 'returned'])[1 + n % 5], '台账记录' || n,
               'volunteer_service', m.at::date, 1, CASE WHEN n % 5 < 2 THEN 1 END, n % 5 < 2, $1, p.id, p.unit_path,
               p.region_path, t.text, t.search, m.at, m.at, 1
          FROM made m JOIN texts t ON t.no = m.text_no JOIN places p ON p.no = m.place_no
        """,
        owner,
    )
    await db.execute(
        """
        INSERT INTO record_versions (record_id, no, id, row_version, content, content_hash, findings, made_by, made_at)
        SELECT m.id, 1, m.version_id, 1, jsonb_build_object('title', '台账记录' || n, 'text', t.text, 'node_ids',
               jsonb_build_array(l.id), 'place', '示例社区', 'participants', '志愿者'), repeat('0', 64), '[]', $1, m.at
          FROM made m JOIN texts t ON t.no = m.text_no JOIN leaves l ON l.no = m.leaf_no
        """,
        owner,
    )
    await db.execute(
        "INSERT INTO record_categories (record_id, node_id) "
        "SELECT m.id, l.id FROM made m JOIN leaves l ON l.no = leaf_no"
    )
    return int(await db.fetchval("SELECT count(*) FROM records"))


async def _catalogue(db: asyncpg.Connection) -> None:
    catalogue = uuid7()
    await db.execute(
        """
        INSERT INTO catalogues (id, code, name, kind, state, level_names, unit_id, unit_path, region_path, created_at,
                                updated_at, version)
        SELECT $1, 'bench', '压测目录', 'category', 'published', '{大类,小类}', id, unit_path, region_path, now(),
               now(), 1
          FROM units ORDER BY number LIMIT 1
        """,
        catalogue,
    )
    insert = """
        INSERT INTO catalogue_nodes (id, catalogue_id, parent_id, path, depth, code, name, position, leaf, required,
                                     active, created_at, updated_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, '压测分类' || $6, $7, $8, 0, true, now(), now(), 1)
        """
    for big in range(1, BIG + 1):
        above = uuid7()
        await db.execute(insert, above, catalogue, None, f"{big}/", 1, str(big), big, False)
        for small in range(1, SMALL + 1):
            code = f"{big}-{small}"
            await db.execute(insert, uuid7(), catalogue, above, f"{big}/{code}/", 2, code, small, True)


async def _texts(db: asyncpg.Connection) -> None:
    dice = random.Random(7)
    rows: list[tuple[int, str, list[str]]] = []
    for no in range(TEXTS):
        words = [WORDS[0] if no % 10 else WORDS[1]]
        words += [WORDS[2]] if no % 100 == 50 else []
        words += [WORDS[3]] if no % 1_000 == 500 else []
        text = " ".join([*words, "".join(dice.choice(_VOCABULARY) for _ in range(80))])
        rows.append((no, text, bigrams(text)))
    await db.execute("CREATE TEMP TABLE texts (no int PRIMARY KEY, text text, search tsvector) ON COMMIT DROP")
    await db.executemany("INSERT INTO texts SELECT $1, $2, array_to_tsvector($3::text[])", rows)
