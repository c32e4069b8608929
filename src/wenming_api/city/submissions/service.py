"""Recording submissions exactly once, one at a time or in offline batches (C3.3).

The hot path is two statements: `_lock` reads and locks all that decides, `_write` inserts versions, lines, deductions,
photos and audit entries and moves the sheets on. Both are set-based: a batch costs what one costs.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.rules import ENTRY_OPEN, AssessmentState
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.forms.queries import site_form
from wenming_api.city.forms.rules import JudgedDeduction, ShownPhoto
from wenming_api.city.forms.schemas import SubmissionIn
from wenming_api.city.sampling.rules import IN_FIELD
from wenming_api.city.scoring.models import SheetVersion
from wenming_api.city.scoring.rules import Evidence, SheetAction, SheetState, VersionKind
from wenming_api.city.submissions.rules import (
    Author,
    Frozen,
    Given,
    Intake,
    KnownPhoto,
    Locked,
    NewVersion,
    Outcome,
    Recorded,
    Version,
    in_order,
)
from wenming_api.city.submissions.schemas import Receipt
from wenming_api.kit import clock
from wenming_api.kit.bare import Bare
from wenming_api.kit.ids import uuid7
from wenming_api.kit.kept import Kept
from wenming_api.kit.problems import Conflict, Problem
from wenming_api.system.audit.service import APPEND, entry
from wenming_api.system.files.rules import FileKind, FileState


class SubmissionRace(Conflict):
    """The id is being used for another sheet at this moment; the same request again gets a definite answer."""

    code = "submission_race"
    title = "提交编号正被另一请求使用"


_LOCK: Final = """
    SELECT s.id, s.assessment_id, s.site_type_code, s.region_path, s.unit_path, s.state, s.version_no,
           s.current_version_id, s.version, s.evidence, a.state AS assessment_state,
           coalesce(s.draw_id = a.effective_draw_id, false) AS draw_effective, d.status AS draw_status,
           (SELECT jsonb_agg(jsonb_build_array(f.id, f.owner_id, f.kind, f.state))
              FROM files f WHERE f.id = ANY (CAST($1 AS uuid[]))) AS files,
           EXISTS (SELECT FROM sheet_versions v WHERE v.id = {version_id}) AS known
      FROM hold_assessment(CAST($4 AS uuid)) a
      JOIN sheets s ON s.assessment_id = a.id
      JOIN draw_sites d ON d.draw_id = s.draw_id AND d.site_id = s.site_id
     WHERE s.id = {sheet_id} AND s.owner_id = CAST($5 AS uuid)
     ORDER BY s.id
       FOR UPDATE OF s
"""
"""Sheets in the order of their ids, so that two batches never wait for each other in a circle. `hold_assessment` keeps
the state from changing before the end, and lets whoever waits to change it go before later submissions."""
_LOCK_MANY: Final = _LOCK.format(version_id="ANY (CAST($2 AS uuid[]))", sheet_id="ANY (CAST($3 AS uuid[]))")
_LOCK_ONE: Final = _LOCK.format(version_id="(CAST($2 AS uuid[]))[1]", sheet_id="(CAST($3 AS uuid[]))[1]")
"""For a single submission: PostgreSQL sees that it is one row, and plans the statement once and for all."""

_WRITE: Final = """
    WITH given AS MATERIALIZED (
        SELECT CAST($1 AS jsonb) AS body
    ), audited AS (
        {append}
    ), versions AS (
        INSERT INTO sheet_versions (id, sheet_id, assessment_id, no, kind, reason, replaces_id, author_id,
                                    fingerprint, captured_at, received_at, longitude, latitude, crs, note,
                                    achieved, max_score, vetoed)
        SELECT v.* FROM given, jsonb_to_recordset(given.body -> 'versions') AS v(
            id uuid, sheet_id uuid, assessment_id uuid, no int, kind text, reason text, replaces_id uuid,
            author_id uuid, fingerprint text, captured_at timestamptz, received_at timestamptz,
            longitude numeric, latitude numeric, crs text, note text,
            achieved numeric, max_score numeric, vetoed boolean)
        ON CONFLICT (id) DO NOTHING
        RETURNING id
    ), lines AS (
        INSERT INTO score_lines (id, sheet_version_id, sheet_id, assessment_id, standard_id, outcome, entry,
                                 achieved, max_score, note)
        SELECT l.* FROM given, jsonb_to_recordset(given.body -> 'lines') AS l(
            id uuid, sheet_version_id uuid, sheet_id uuid, assessment_id uuid, standard_id uuid, outcome text,
            entry jsonb, achieved numeric, max_score numeric, note text)
    ), deducted AS (
        INSERT INTO deductions (id, line_id, no, points, reason_code, note)
        SELECT d.* FROM given, jsonb_to_recordset(given.body -> 'deductions') AS d(
            id uuid, line_id uuid, no int, points numeric, reason_code text, note text)
    ), shown AS (
        INSERT INTO line_photos (id, line_id, no, deduction_no, file_id, taken_at, longitude, latitude)
        SELECT p.* FROM given, jsonb_to_recordset(given.body -> 'photos') AS p(
            id uuid, line_id uuid, no int, deduction_no int, file_id uuid, taken_at timestamptz,
            longitude numeric, latitude numeric)
    ), drafts AS (
        DELETE FROM sheet_drafts USING given, jsonb_to_recordset(given.body -> 'sheets') AS g(id uuid)
         WHERE sheet_drafts.sheet_id = g.id
    ), moved AS (
        UPDATE sheets SET state = 'submitted', version_no = g.no, current_version_id = g.version_id,
                          evidence = g.evidence, submitted_at = g.at, updated_at = g.at, version = g.version
          FROM given, jsonb_to_recordset(given.body -> 'sheets') AS g(
               id uuid, no int, version_id uuid, evidence text, at timestamptz, version int)
         WHERE sheets.id = g.id
    )
    SELECT count(*) AS inserted FROM versions
""".format(append=APPEND.format(entries="(SELECT body -> 'audit' FROM given)"))  # noqa: S608 (constants only)


async def submit_sheet(
    bare: Bare,
    *,
    caller: Principal,
    assessment_id: UUID,
    sheet_id: UUID,
    submission: SubmissionIn,
    action: SheetAction,
) -> Receipt:
    """Record one submission or correction of the caller's sheet; the same one again answers the same receipt.

    Raises:
        NotFound: not a sheet of the caller in this assessment.
        EntryFrozen, IllegalTransition, SheetMoved, PredecessorMissing, SubmissionIdReused: 409.
        InvalidInput: the form is not filled in rightly; `errors` points at each place.
    """
    given = Given(sheet_id, submission.model_dump(exclude_none=True), clock.now())
    author = Author(caller.user_id, caller.unit_path)
    (outcome,) = await record_submissions(
        bare, caller=caller, author=author, assessment_id=assessment_id, given=[given], only=action
    )
    if isinstance(outcome, Problem):
        raise outcome
    if isinstance(outcome, Frozen):
        raise EntryFrozen("测评未在进行中，暂不能录入。离线采集的数据请通过批量提交上报，将进入迟到箱等待处理。")
    return receipt(outcome)


def receipt(outcome: Recorded) -> Receipt:
    """What the assessor gets for a recorded submission."""
    version = outcome.version
    return Receipt(
        id=version.id,
        sheet_id=version.sheet_id,
        no=version.no,
        kind=version.kind,
        repeated=outcome.repeated,
        state=outcome.state,
        version=outcome.sheet_version,
        evidence=outcome.evidence,
        achieved=version.achieved,
        max_score=version.max_score,
        vetoed=version.vetoed,
        received_at=version.received_at,
    )


async def record_submissions(
    bare: Bare,
    *,
    caller: Principal,
    author: Author,
    assessment_id: UUID,
    given: Sequence[Given],
    open_in: frozenset[AssessmentState] = ENTRY_OPEN,
    only: SheetAction | None = None,
    reason: str | None = None,
) -> list[Outcome]:
    """Record an author's submissions, each for itself: the answer at each place is what became of that one.

    What was recorded before is answered again, whatever has happened since. The order in which submissions come does
    not matter: they apply in the order in which they were captured, each after the one that it replaces. `only`
    demands a certain action; `open_in` are the states of the assessment that take entries; `caller` and `reason` go
    into the audit log.
    """
    intake = await _lock(bare, author, assessment_id, given, open_in, only)
    outcomes = {place: intake.apply(given[place]) for place in in_order(given)}
    if intake.new:
        entries = [_audited(each, caller, assessment_id, reason) for each in intake.new]
        await _write(bare, intake, entries)
    return [outcomes[place] for place in range(len(given))]


async def _lock(
    bare: Bare,
    author: Author,
    assessment_id: UUID,
    given: Sequence[Given],
    open_in: frozenset[AssessmentState],
    only: SheetAction | None,
) -> Intake:
    found = await bare.fetch(
        _LOCK_ONE if len(given) == 1 else _LOCK_MANY,
        [
            list({file_id for each in given for file_id in each.file_ids()}),
            [each.id for each in given],
            list({each.sheet_id for each in given}),
            assessment_id,
            author.user_id,
        ],
    )
    sheets: dict[UUID, Locked] = {}
    photos: dict[UUID, KnownPhoto] = {}
    seen = False
    for row in found:
        sheets[row["id"]] = Locked(
            id=row["id"],
            assessment_id=row["assessment_id"],
            site_type_code=row["site_type_code"],
            region_path=row["region_path"],
            unit_path=row["unit_path"],
            state=SheetState(row["state"]),
            version_no=row["version_no"],
            current_version_id=row["current_version_id"],
            version=row["version"],
            evidence=Evidence(row["evidence"]),
            entry_open=row["assessment_state"] in open_in,
            in_force=row["draw_effective"] and row["draw_status"] in IN_FIELD,
        )
        if not photos:
            photos = dict(_known_photo(*each) for each in row["files"] or ())
        seen = row["known"]
    forms = {
        code: (await site_form(bare, assessment_id=assessment_id, site_type_code=code)).items
        for code in {sheet.site_type_code for sheet in sheets.values()}
    }
    # What stands already matters only where something looks amiss; the usual submission saves the statement.
    amiss = seen or any(
        each.replaces != sheet.current_version_id for each in given if (sheet := sheets.get(each.sheet_id)) is not None
    )
    known = await _recall(bare, given) if amiss else {}
    return Intake(author=author, sheets=sheets, forms=forms, known=known, photos=photos, only=only, new=[])


def _known_photo(id_: str, owner_id: str, kind: str, state: str) -> tuple[UUID, KnownPhoto]:
    usable = {FileState.READY.value: True, FileState.QUARANTINED.value: False}.get(state)
    return UUID(id_), KnownPhoto(UUID(owner_id), kind == FileKind.PHOTO, usable)


@cache
def _versions() -> Kept:
    columns = [getattr(SheetVersion, name) for name in Version.__dataclass_fields__]
    return Kept(select(*columns).where(SheetVersion.id == any_(bindparam("ids", type_=ARRAY(Uuid)))))


async def _recall(bare: Bare, given: Sequence[Given]) -> dict[UUID, Version]:
    ids = {each.id for each in given} | {each.replaces for each in given if each.replaces is not None}
    found = await _versions().rows(bare, ids=list(ids))
    return {row["id"]: Version(**{**row, "kind": VersionKind(row["kind"])}) for row in found}


async def _write(bare: Bare, intake: Intake, entries: list[dict[str, Any]]) -> None:
    body = orjson.dumps({**_body(intake), "audit": entries}, default=str).decode()
    written = await bare.fetch(_WRITE, [body])
    if written[0]["inserted"] != len(intake.new):
        raise SubmissionRace("提交编号正被另一请求使用，请原样重发。")


def _body(intake: Intake) -> dict[str, list[dict[str, Any]]]:
    """The rows to insert and the sheets to move on, as `_WRITE` reads them."""
    versions, lines, deductions, photos = [], [], [], []
    last: dict[UUID, tuple[NewVersion, datetime]] = {}
    for new in intake.new:
        version, submission = new.version, new.given.submission
        sheet = intake.sheets[version.sheet_id]
        last[sheet.id] = (new, version.received_at)
        versions.append(
            {
                "id": version.id,
                "sheet_id": sheet.id,
                "assessment_id": sheet.assessment_id,
                "no": version.no,
                "kind": version.kind,
                "reason": submission.get("reason"),
                "replaces_id": new.given.replaces,
                "author_id": intake.author.user_id,
                "fingerprint": version.fingerprint,
                "captured_at": submission["captured_at"],
                "received_at": version.received_at,
                "longitude": submission.get("longitude"),
                "latitude": submission.get("latitude"),
                "crs": submission["crs"],
                "note": submission.get("note"),
                "achieved": version.achieved,
                "max_score": version.max_score,
                "vetoed": version.vetoed,
            }
        )
        for line in new.judgement.lines:
            line_id = uuid7()
            lines.append(
                {
                    "id": line_id,
                    "sheet_version_id": version.id,
                    "sheet_id": sheet.id,
                    "assessment_id": sheet.assessment_id,
                    "standard_id": line.standard_id,
                    "outcome": line.outcome,
                    "entry": line.entry,
                    "achieved": line.achieved,
                    "max_score": line.max_score,
                    "note": line.note,
                }
            )
            deductions += [{"id": uuid7(), "line_id": line_id} | _fields(each) for each in line.deductions]
            photos += [{"id": uuid7(), "line_id": line_id} | _fields(each) for each in line.photos]
    sheets = [
        {
            "id": sheet_id,
            "no": new.version.no,
            "version_id": new.version.id,
            "evidence": intake.sheets[sheet_id].evidence,
            "at": at,
            "version": intake.sheets[sheet_id].version,
        }
        for sheet_id, (new, at) in last.items()
    ]
    return {"versions": versions, "lines": lines, "deductions": deductions, "photos": photos, "sheets": sheets}


def _fields(row: JudgedDeduction | ShownPhoto) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _audited(new: NewVersion, caller: Principal, assessment_id: UUID, reason: str | None) -> dict[str, Any]:
    version = new.version
    return entry(
        caller=caller,
        action=f"sheets.{new.action}",
        target=("sheet", version.sheet_id),
        before={"state": new.before, "version_no": version.no - 1},
        after={
            "state": SheetState.SUBMITTED,
            "version_no": version.no,
            "version_id": version.id,
            "fingerprint": version.fingerprint,
            "achieved": version.achieved,
            "max_score": version.max_score,
        },
        reason=reason or new.given.submission.get("reason"),
        context=("assessment", assessment_id),
    )
