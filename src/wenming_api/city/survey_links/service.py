"""One-time links: made in batches and shown once, revoked (C3.7)."""

import asyncio
import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from wenming_api.access.principal import Principal
from wenming_api.city.questionnaires.models import Questionnaire, SurveyStratum
from wenming_api.city.questionnaires.queries import QuestionnaireNotFound
from wenming_api.city.questionnaires.rules import QuestionnaireState
from wenming_api.city.survey_links.models import Link, LinkBatch
from wenming_api.city.survey_links.rules import TOKEN_BYTES, token_hash
from wenming_api.city.survey_links.schemas import MAX_LINKS, LinkFormat, LinkRevocation, SurveyLinksIn
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession, copy_rows
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Conflict, FieldError, InvalidInput, NotFound, check_judged
from wenming_api.kit.workbooks import Column, Table, write_csv, write_table
from wenming_api.system.audit.service import record
from wenming_api.system.regions.models import Region

LINKS = Table(
    name="答题链接",
    columns=(
        Column(key="no", header="序号", width=8),
        Column(key="region", header="区域", width=36),
        Column(key="stratum", header="样本层", width=24),
        Column(key="link", header="链接", width=80),
    ),
)


class QuestionnaireNotPublished(Conflict):
    """Only what is published is asked."""

    code = "questionnaire_not_published"
    title = "问卷未在进行"


async def make_links(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID, new: SurveyLinksIn
) -> tuple[UUID, bytes]:
    """Make a batch; answers its id and the list of links, which exists nowhere afterwards."""
    survey = await session.scalar(
        select(Questionnaire)
        .where(
            Questionnaire.id == questionnaire_id,
            Questionnaire.assessment_id == assessment_id,
            caller.scope.where(Questionnaire),
        )
        .with_for_update(read=True)  # it is not closed meanwhile
    )
    if survey is None:
        raise QuestionnaireNotFound
    if survey.state is not QuestionnaireState.PUBLISHED:
        raise QuestionnaireNotPublished(f"问卷为“{survey.state.label}”，不能生成链接。")
    at = clock.now()
    if new.expires_at <= at:
        raise InvalidInput(errors=[FieldError("/expires_at", "失效时间须晚于现在")])
    strata = await _strata(session, survey.id, new.stratum_ids)
    if len(strata) * new.per_stratum > MAX_LINKS:
        raise InvalidInput(errors=[FieldError("/per_stratum", f"一批最多 {MAX_LINKS} 条链接，请分批生成")])
    batch = LinkBatch(
        id=uuid7(),
        questionnaire_id=survey.id,
        links=len(strata) * new.per_stratum,
        note=new.note,
        expires_at=new.expires_at,
        created_by=caller.user_id,
    )
    session.add(batch)
    rows: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    for stratum in (each for each in strata for _ in range(new.per_stratum)):
        token = secrets.token_urlsafe(TOKEN_BYTES)
        no = len(rows) + 1
        rows.append(
            {
                "batch_id": batch.id,
                "no": no,
                "stratum_id": stratum.id,
                "token_hash": token_hash(token),
                "expires_at": new.expires_at,
                "spent": False,
                "revoked": False,
                "receipt": None,
            }
        )
        shown.append({"no": no, "region": stratum.region, "stratum": stratum.name, "link": new.link_prefix + token})
    await copy_rows(session, Link, rows)
    await record(
        session,
        caller=caller,
        action="survey_links.create",
        target=("survey_link_batch", batch.id),
        after={"links": batch.links, "expires_at": new.expires_at, "note": new.note},
        context=("assessment", assessment_id),
    )
    return batch.id, await asyncio.to_thread(_file, shown, new.format)


def _file(shown: list[dict[str, Any]], wanted: LinkFormat) -> bytes:
    return write_table(LINKS, shown) if wanted is LinkFormat.XLSX else b"".join(write_csv(LINKS, shown))


async def _strata(session: WriteSession, questionnaire_id: UUID, ids: list[UUID] | None) -> list[Any]:
    statement = (
        select(SurveyStratum.id, SurveyStratum.name, Region.full_name.label("region"))
        .join(Region, Region.id == SurveyStratum.region_id)
        .where(SurveyStratum.questionnaire_id == questionnaire_id)
        .order_by(SurveyStratum.position)
    )
    if ids is None:
        return list((await session.execute(statement)).all())
    found = list((await session.execute(statement.where(SurveyStratum.id.in_(ids)))).all())
    known = {row.id for row in found}
    if unknown := [place for place, id_ in enumerate(ids) if id_ not in known]:
        raise InvalidInput(errors=[FieldError(f"/stratum_ids/{place}", "问卷没有这个样本层") for place in unknown])
    return found


async def revoke_links(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    questionnaire_id: UUID,
    batch_id: UUID,
    step: LinkRevocation,
) -> LinkBatch:
    """Make links of a batch worthless that are not spent yet; those under way are decided one way or the other."""
    batch = await session.scalar(
        select(LinkBatch)
        .join(Questionnaire, Questionnaire.id == LinkBatch.questionnaire_id)
        .where(
            LinkBatch.id == batch_id,
            Questionnaire.id == questionnaire_id,
            Questionnaire.assessment_id == assessment_id,
            caller.scope.where(Questionnaire),
        )
        .with_for_update(of=LinkBatch)
    )
    if batch is None:
        raise NotFound
    check_judged(step.version, batch.version)
    chosen = update(Link).where(Link.batch_id == batch.id, ~Link.spent, ~Link.revoked)
    if step.numbers is not None:
        chosen = chosen.where(Link.no.in_(step.numbers))
    revoked = await session.scalars(
        chosen.values(revoked=True).returning(Link.no).execution_options(synchronize_session=False)
    )
    batch.updated_at = clock.now()
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="survey_links.revoke",
        target=("survey_link_batch", batch.id),
        after={"revoked": len(list(revoked))},
        reason=step.reason,
        context=("assessment", assessment_id),
    )
    return batch
