"""测评表提交与更正 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.forms.schemas import SubmissionIn
from wenming_api.city.scoring.rules import SheetAction
from wenming_api.city.submissions import service
from wenming_api.city.submissions.rules import PredecessorMissing, SheetMoved, SubmissionIdReused
from wenming_api.city.submissions.schemas import CorrectionIn, Receipt
from wenming_api.city.submissions.service import SubmissionRace
from wenming_api.kit.http import HotWrites, Router, etag, exactly_once
from wenming_api.kit.problems import Forbidden, IllegalTransition, NotFound, Unauthenticated, problems

router = Router(
    prefix="/assessments/{assessment_id}/sheets/{sheet_id}",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MaySubmitSheets = Annotated[Principal, Depends(may(Permission.SHEETS_SUBMIT))]
_REFUSALS = problems(
    NotFound,
    EntryFrozen,
    IllegalTransition,
    SheetMoved,
    PredecessorMissing,
    SubmissionIdReused,
    SubmissionRace,
)


@router.post("/submit", summary="提交测评表", responses=_REFUSALS)
@exactly_once
async def submit(
    caller: MaySubmitSheets,
    assessment_id: UUID,
    sheet_id: UUID,
    body: SubmissionIn,
    bare: HotWrites,
    response: Response,
) -> Receipt:
    """首次提交，或退回后重新提交。提交编号由客户端生成，重复提交得到同一回执；照片可在提交之后到达。"""
    receipt = await service.submit_sheet(
        bare,
        caller=caller,
        assessment_id=assessment_id,
        sheet_id=sheet_id,
        submission=body,
        action=SheetAction.SUBMIT,
    )
    etag(response, receipt.version)
    return receipt


@router.post("/correct", summary="更正测评表", responses=_REFUSALS)
@exactly_once
async def correct(
    caller: MaySubmitSheets,
    assessment_id: UUID,
    sheet_id: UUID,
    body: CorrectionIn,
    bare: HotWrites,
    response: Response,
) -> Receipt:
    """已提交或已审核的测评表以新版本更正，须说明原因，并重新审核；原版本保留。"""
    receipt = await service.submit_sheet(
        bare,
        caller=caller,
        assessment_id=assessment_id,
        sheet_id=sheet_id,
        submission=body,
        action=SheetAction.CORRECT,
    )
    etag(response, receipt.version)
    return receipt
