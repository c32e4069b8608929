"""The generated volume: assessments with sheets, lines and photos on the demo city's sites, written set by set.

Rows are made by the database itself (`INSERT … SELECT generate_series`), as its superuser with triggers and foreign
keys switched off, which is what a restore does too; the statistics are refreshed at the end. All of it is a function
of the scale alone.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from bench import ledgers
from wenming_api.access.tokens import TokenIssuer
from wenming_api.catalog.permissions import Permission
from wenming_api.city.criteria.rules import Count, CountMode, Grade, Graded, PassFail, rule_to_json
from wenming_api.city.schemes.rules import Settings as Scheme
from wenming_api.kit import clock
from wenming_api.kit.ids import uuid7

LINES = 1_000_000
STANDARDS = 60
SITES = 1_200
SHORT_FORM = 10
"""Standards of the assessment that is being filled in: lines of a submitted sheet."""
ASSESSORS = 20
OFFICE = "bench.office"
LEAVER = "bench.leaver"
"""Somebody like the office, whose session ends during the run."""
METHODS = [{"code": "field", "name": "实地考察"}, {"code": "survey", "name": "问卷调查"}]
RULES = (
    PassFail(),
    Graded((Grade("A", "好", Fraction(1)), Grade("B", "中", Fraction(4, 5)), Grade("C", "差", Fraction(1, 2)))),
    Count(Fraction(5), CountMode.PROPORTION, "处"),
)


@dataclass(frozen=True)
class World:
    """What the workloads need to know of the volume."""

    scale: float
    lines: int
    photos: int
    sites: int
    closed: list[UUID]
    """Assessments whose field work is over, all sheets accepted."""
    open: UUID
    """The assessment in progress, on the short form."""
    open_standards: list[UUID]
    tokens: dict[str, str]
    assigned: list[tuple[str, UUID]]
    """(assessor, sheet) still to be submitted."""
    photo_ids: dict[str, list[UUID]]
    """Ready photos of each assessor."""
    records: int = 0


async def build(dsn: str, *, scale: float, signing_key: str) -> World:
    """Fill the migrated and seeded database behind `dsn` (superuser)."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        async with connection.transaction():
            world = await _build(connection, scale, signing_key)
        async with connection.transaction():
            records = await ledgers.fill(connection, scale, author=OFFICE)
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()
    return replace(world, records=records)


async def _build(db: asyncpg.Connection, scale: float, signing_key: str) -> World:
    target = int(LINES * scale)
    per_assessment = min(SITES, max(20, target * 86 // 100 // STANDARDS))
    count = max(1, round(target * 0.864 / (per_assessment * STANDARDS)))
    office = await _office(db)
    system = await _edition(db)
    assessors = await _assessors(db)
    closed = [
        await _assessment(db, system, office, number=f"BENCH-{no:02}", state="reviewing", standards=STANDARDS)
        for no in range(1, count + 1)
    ]
    open_ = await _assessment(db, system, office, number="BENCH-OPEN", state="in_progress", standards=SHORT_FORM)
    for assessment in closed:
        await _sheets(db, assessment, sites=per_assessment, assessors=assessors[:1], submitted=per_assessment)
    short_sheets = max(0, target - count * per_assessment * STANDARDS) // SHORT_FORM
    waiting = max(3_000, int(10_000 * scale))
    across = min(ASSESSORS, -(-(short_sheets + waiting) // SITES))
    await _sheets(db, open_, sites=SITES, assessors=assessors[:across], submitted=short_sheets)
    await _lines(db)
    photos = await _photos(db)
    standards = await db.fetch(
        "SELECT s.id FROM standards s JOIN assessment_standards a ON a.standard_id = s.id AND a.assessment_id = $1 "
        "ORDER BY s.position",
        open_,
    )
    assigned = await db.fetch(
        "SELECT u.username, s.id FROM sheets s JOIN users u ON u.id = s.owner_id "
        "WHERE s.assessment_id = $1 AND s.state = 'assigned' ORDER BY md5(s.id::text)",
        open_,
    )
    owned = await db.fetch(
        "SELECT username, (SELECT array_agg(id) FROM (SELECT id FROM files WHERE owner_id = users.id LIMIT 300) f) ids "
        "FROM users WHERE id = ANY ($1::uuid[])",
        assessors,
    )
    return World(
        scale=scale,
        lines=await db.fetchval("SELECT count(*) FROM score_lines"),
        photos=photos,
        sites=per_assessment,
        closed=closed,
        open=open_,
        open_standards=[row["id"] for row in standards],
        tokens=await _tokens(db, signing_key),
        assigned=[(row["username"], row["id"]) for row in assigned],
        photo_ids={row["username"]: row["ids"] or [] for row in owned},
    )


async def _edition(db: asyncpg.Connection) -> UUID:
    """A published edition: 3 projects, 12 indicators, 60 contents with one standard each."""
    system = uuid7()
    await db.execute(
        """
        INSERT INTO indicator_systems (id, code, name, edition, state, level_names, methods, description, source,
                                       published_at, content_hash, created_at, updated_at, version)
        VALUES ($1, 'BENCH', '压测指标体系', '压测', 'published', '{测评项目,测评指标,测评内容}', $2, '', '生成数据',
                now(), repeat('0', 64), now(), now(), 1)
        """,
        system,
        orjson.dumps(METHODS).decode(),
    )
    for level, counts in ((1, (3,)), (2, (3, 4)), (3, (3, 4, 5))):
        await db.execute(
            f"""
            INSERT INTO indicators (id, system_id, parent_id, level, code, name, position, created_at, updated_at,
                                    version)
            SELECT uuidv7(), $1, p.id, {level}, concat_ws('.', p.code, n), '指标' || concat_ws('.', p.code, n), n,
                   now(), now(), 1
              FROM generate_series(1, {counts[-1]}) n
              LEFT JOIN indicators p ON p.system_id = $1 AND p.level = {level - 1}
             WHERE p.id IS NOT NULL OR {level} = 1
            """,
            system,
        )
    await db.execute(
        """
        INSERT INTO standards (id, system_id, indicator_id, code, text, list_kind, max_score, methods, rule,
                               requires_photo, evidence, note, source, position, created_at, updated_at, version)
        SELECT uuidv7(), $1, i.id, i.code || '-1', '标准 ' || i.code, 'regular', 10, '{field}',
               ($2::jsonb) -> ((row_number() OVER (ORDER BY i.code) - 1) % 3)::int, false, '{}', '', '',
               row_number() OVER (ORDER BY i.code), now(), now(), 1
          FROM indicators i WHERE i.system_id = $1 AND i.level = 3
        """,
        system,
        orjson.dumps([rule_to_json(rule) for rule in RULES]).decode(),
    )
    return system


async def _office(db: asyncpg.Connection) -> UUID:
    """Somebody at the city's office who may do everything, everywhere in it."""
    role, user = uuid7(), uuid7()
    await db.execute(
        """
        INSERT INTO roles (id, code, name, permissions, grantable, data_scope, builtin, created_at, updated_at, version)
        VALUES ($1, 'bench', '压测', $2, '{}', 'region', false, now(), now(), 1)
        """,
        *(role, [permission.value for permission in Permission]),
    )
    await db.execute(
        """
        INSERT INTO users (id, username, display_name, password_hash, must_change_password, password_changed_at,
                           unit_id, unit_path, region_path, active, created_at, updated_at, version)
        SELECT given.id, given.name, '压测员', '-', false, now(), unit_id, unit_path, region_path, true, now(), now(), 1
          FROM users, (VALUES ($1::uuid, $2), (uuidv7(), $3)) AS given(id, name) WHERE username = 'city.office'
        """,
        *(user, OFFICE, LEAVER),
    )
    await db.execute(
        "INSERT INTO user_roles (user_id, role_id) SELECT id, $1 FROM users WHERE username IN ($2, $3)",
        *(role, OFFICE, LEAVER),
    )
    return user


async def _assessors(db: asyncpg.Connection) -> list[UUID]:
    """Twenty assessors like the demo city's."""
    rows = await db.fetch(
        """
        WITH like_him AS (SELECT * FROM users WHERE username = 'assessor.01'), made AS (
            INSERT INTO users (id, username, display_name, password_hash, must_change_password, password_changed_at,
                               unit_id, unit_path, region_path, active, created_at, updated_at, version)
            SELECT uuidv7(), 'bench.' || n, '压测员' || n, '-', false, now(), unit_id, unit_path, region_path, true,
                   now(), now(), 1
              FROM like_him, generate_series(1, $1) n
            RETURNING id
        ), granted AS (
            INSERT INTO user_roles (user_id, role_id)
            SELECT made.id, r.role_id FROM made, user_roles r JOIN like_him ON like_him.id = r.user_id
        )
        SELECT id FROM made ORDER BY id
        """,
        ASSESSORS,
    )
    return [row["id"] for row in rows]


async def _assessment(
    db: asyncpg.Connection, system: UUID, office: UUID, *, number: str, state: str, standards: int
) -> UUID:
    """An assessment of the whole city with its scheme and its effective draw (still without sites)."""
    assessment, draw = uuid7(), uuid7()
    other = await db.fetchval("SELECT id FROM users WHERE username = 'city.leader'")
    await db.execute(
        """
        INSERT INTO assessments (id, number, name, state, state_since, system_id, region_id, region_path, settings,
                                 starts_on, ends_on,
                                 created_by, current_draw_id, effective_draw_id, created_at, updated_at, version)
        SELECT $1, $2, '压测 ' || $2, $3, now(), $4, r.id, r.path, $5, current_date - 30, current_date + 30, $6, $7, $7,
               now(), now(), 1
          FROM regions r WHERE r.level = 'city'
        """,
        *(assessment, number, state, system, orjson.dumps(Scheme().to_json()).decode(), office, draw),
    )
    await db.execute(
        """
        INSERT INTO assessment_regions (assessment_id, region_id, position)
        SELECT $1, id, 1 FROM regions WHERE level = 'city'
        """,
        assessment,
    )
    await db.execute(
        """
        INSERT INTO assessment_standards (assessment_id, standard_id)
        SELECT $1, id FROM standards WHERE system_id = $2 AND position <= $3
        """,
        *(assessment, system, standards),
    )
    await db.execute(
        """
        INSERT INTO assessment_quotas (assessment_id, site_type_code, region_level, count, weight, when_short, position)
        SELECT $1, code, 'county', 1, 1, 'take_all', row_number() OVER (ORDER BY code)
          FROM site_types WHERE code IN (SELECT site_type_code FROM sites)
        """,
        assessment,
    )
    await db.execute(
        """
        INSERT INTO assessment_methods (assessment_id, code, name, source, position)
        VALUES ($1, 'field', '实地考察', 'field', 1)
        """,
        assessment,
    )
    await db.execute(
        """
        WITH g AS (
            INSERT INTO ranking_groups (id, assessment_id, code, name, region_level, methods, field_only, position)
            VALUES (uuidv7(), $1, 'counties', '区县', 'county', '{"field": "100"}', true, 1),
                   (uuidv7(), $1, 'streets', '镇街', 'street', '{"field": "100"}', true, 2)
            RETURNING id, region_level
        )
        INSERT INTO ranking_group_members (group_id, assessment_id, region_id, position)
        SELECT g.id, $1, r.id, row_number() OVER (PARTITION BY g.id ORDER BY r.code)
          FROM g JOIN regions r ON r.level = g.region_level AND r.active
        """,
        assessment,
    )
    await db.execute(
        """
        INSERT INTO draws (id, assessment_id, no, state, secret, commitment, quotas, regions, committed_by,
                           committed_at, frame_hash, frame_size, frozen_by, frozen_at, seed, drawn_count, drawn_by,
                           drawn_at, effective_proposed_by, effective_by, effective_at,
                           effective_reason, created_at, updated_at, version)
        VALUES ($1, $2, 1, 'effective', repeat('0', 64), repeat('0', 64), '[]', '[]', $3, now(), repeat('0', 64), 1200,
                $3, now(), repeat('0', 64), 1200, $3, now(), $3, $4, now(), '压测', now(), now(), 1)
        """,
        *(draw, assessment, office, other),
    )
    return assessment


async def _sheets(
    db: asyncpg.Connection, assessment: UUID, *, sites: int, assessors: list[UUID], submitted: int
) -> None:
    """Sheets of every assessor for every site; the first `submitted` of them have a version, still without lines."""
    await db.execute(
        """
        INSERT INTO draw_sites (draw_id, site_id, stratum, rank, status, site_type_code, code, name, region_id,
                                region_path, unit_path, responsible_unit_id, industry_code)
        SELECT a.effective_draw_id, s.id, 'all', row_number() OVER (ORDER BY s.code), 'drawn', s.site_type_code, s.code,
               s.name, s.region_id, s.region_path, s.unit_path, s.responsible_unit_id, s.industry_code
          FROM assessments a, (SELECT * FROM sites WHERE active ORDER BY code LIMIT $2) s WHERE a.id = $1
        """,
        *(assessment, sites),
    )
    await db.execute(
        """
        INSERT INTO assessment_assessors (assessment_id, user_id, region_ids, site_type_codes)
        SELECT $1, unnest($2::uuid[]), '{}', '{}'
        """,
        *(assessment, assessors),
    )
    state = (
        "accepted"
        if await db.fetchval("SELECT state FROM assessments WHERE id = $1", assessment) == "reviewing"
        else "submitted"
    )
    await db.execute(
        """
        WITH made AS (
            INSERT INTO sheets (id, assessment_id, draw_id, site_id, site_type_code, region_path, unit_path, owner_id,
                                state, version_no, current_version_id, accepted_version_id, evidence, submitted_at,
                                reviewed_at, created_at, updated_at, version)
            SELECT uuidv7(), $1, d.draw_id, d.site_id, d.site_type_code, d.region_path, d.unit_path, u.id,
                   CASE WHEN n <= $3 THEN $4 ELSE 'assigned' END, (n <= $3)::int,
                   CASE WHEN n <= $3 THEN v END, CASE WHEN n <= $3 AND $4 = 'accepted' THEN v END, 'complete',
                   CASE WHEN n <= $3 THEN now() - n * interval '1 second' END,
                   CASE WHEN n <= $3 AND $4 = 'accepted' THEN now() END, now(), now(), 1
              FROM (SELECT d.*, u.id AS uid, row_number() OVER (ORDER BY u.no, d.rank) AS n, uuidv7() AS v
                      FROM assessments a JOIN draw_sites d ON d.draw_id = a.effective_draw_id,
                           unnest($2::uuid[]) WITH ORDINALITY AS u(id, no) WHERE a.id = $1) d,
                   LATERAL (SELECT d.uid AS id) u
            RETURNING id, current_version_id, owner_id
        )
        INSERT INTO sheet_versions (id, sheet_id, assessment_id, no, kind, author_id, fingerprint, captured_at,
                                    received_at, crs, achieved, max_score, vetoed)
        SELECT current_version_id, id, $1, 1, 'first', owner_id, '-', now(), now(), 'wgs84', 0, 0, false
          FROM made WHERE current_version_id IS NOT NULL
        """,
        *(assessment, assessors, submitted, state),
    )


async def _lines(db: asyncpg.Connection) -> None:
    """A line per standard of every version; what was found depends on a hash, so that figures differ."""
    await db.execute(
        """
        INSERT INTO score_lines (id, sheet_version_id, sheet_id, assessment_id, standard_id, outcome, entry, achieved,
                                 max_score)
        SELECT uuidv7(), v.id, v.sheet_id, v.assessment_id, s.id,
               CASE WHEN h < 4 THEN 'not_applicable' ELSE 'scored' END,
               CASE WHEN h < 4 THEN '{"not_applicable": true}'::jsonb
                    WHEN s.kind = 'pass_fail' THEN jsonb_build_object('passed', h < 80)
                    WHEN s.kind = 'graded' THEN jsonb_build_object('grade', CASE WHEN h < 60 THEN 'A' ELSE 'B' END)
                    ELSE jsonb_build_object('count', (h % 6)::text) END,
               CASE WHEN h < 4 THEN NULL
                    WHEN s.kind = 'pass_fail' THEN CASE WHEN h < 80 THEN 10 ELSE 0 END
                    WHEN s.kind = 'graded' THEN CASE WHEN h < 60 THEN 10 ELSE 8 END
                    ELSE least(h % 6, 5) * 2 END, 10
          FROM sheet_versions v
          JOIN assessment_standards a ON a.assessment_id = v.assessment_id
          JOIN LATERAL (SELECT id, rule ->> 'kind' AS kind FROM standards WHERE id = a.standard_id) s ON true,
               LATERAL (SELECT abs(hashtext(v.id::text || s.id::text)) % 100 AS h) d
        """
    )


async def _photos(db: asyncpg.Connection) -> int:
    """A photo on every fourth line: 250,000 at full scale, owned by the sheet's author."""
    await db.execute(
        """
        CREATE TEMP TABLE chosen ON COMMIT DROP AS
        SELECT uuidv7() AS file_id, l.id AS line_id, v.author_id
          FROM score_lines l JOIN sheet_versions v ON v.id = l.sheet_version_id WHERE hashtext(l.id::text) % 4 = 0;
        INSERT INTO chosen SELECT uuidv7(), NULL, id FROM users, generate_series(1, 300)
         WHERE username LIKE 'bench.%'
        """
    )
    await db.execute(
        """
        INSERT INTO files (id, owner_id, region_path, unit_path, kind, state, name, content_type, size, expires_at,
                           uploaded_at, processed_at, sha256, phash, width, height, held, created_at,
                           updated_at, version)
        SELECT file_id, u.id, u.region_path, u.unit_path, 'photo', 'ready', 'IMG.jpg', 'image/jpeg', 2400000, now(),
               now(), now(), encode(sha256(file_id::text::bytea), 'hex'), hashtext(file_id::text), 4000, 3000, true,
               now(), now(), 1
          FROM chosen JOIN users u ON u.id = author_id
        """
    )
    await db.execute(
        """
        INSERT INTO line_photos (id, line_id, no, file_id, taken_at)
        SELECT uuidv7(), line_id, 1, file_id, now() FROM chosen WHERE line_id IS NOT NULL
        """
    )
    return int(await db.fetchval("SELECT count(*) FROM files"))


async def _tokens(db: asyncpg.Connection, signing_key: str) -> dict[str, str]:
    """A session and a token for everybody, good for the whole run."""
    issuer, at = TokenIssuer(signing_key), clock.now()
    rows: list[Any] = await db.fetch(
        """
        WITH made AS (
            INSERT INTO sessions (id, user_id, started_at, refreshed_at, expires_at)
            SELECT uuidv7(), id, now(), now(), now() + interval '6 hours' FROM users RETURNING id, user_id
        )
        SELECT made.id, user_id, username FROM made JOIN users u ON u.id = user_id
        """
    )
    return {
        row["username"]: issuer.issue(user_id=row["user_id"], session_id=row["id"], at=at, lives_for=timedelta(hours=6))
        for row in rows
    }
