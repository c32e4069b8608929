"""公开答题 over HTTP: no account, one link, one answer."""

from fastapi import Depends

from wenming_api.access.guards import public
from wenming_api.city.answers.schemas import AnswerReceipt
from wenming_api.city.answers.service import AnswerIdReused, QuestionnaireNotOpen, QuotaFull
from wenming_api.city.public_answers import service
from wenming_api.city.public_answers.schemas import PublicAnswerIn, PublicForm, TokenIn
from wenming_api.city.public_answers.service import AnsweredTooOften, LinkInvalid
from wenming_api.kit.http import Reads, Router, Writes, exactly_once, no_replay
from wenming_api.kit.limits import limited
from wenming_api.kit.problems import PayloadTooLarge, TooManyRequests, problems

router = Router(prefix="/public/questionnaires", tags=["文明城市创建管理"], raises=(PayloadTooLarge, TooManyRequests))

GATES = [Depends(limited)]
"""What a respondent passes before anything is looked at; a captcha belongs here."""


@router.post(
    "/open",
    summary="打开答题链接",
    dependencies=GATES,
    responses=problems(LinkInvalid, QuestionnaireNotOpen, QuotaFull),
)
@public
@no_replay
async def open_(body: TokenIn, session: Reads) -> PublicForm:
    """凭一次性链接取得问卷，不需登录；打开不消耗链接。"""
    return await service.open_form(session, token=body.token)


@router.post(
    "/answers",
    summary="凭链接提交答卷",
    dependencies=GATES,
    responses=problems(LinkInvalid, QuestionnaireNotOpen, QuotaFull, AnsweredTooOften, AnswerIdReused),
)
@public
@exactly_once
async def send(body: PublicAnswerIn, session: Writes) -> AnswerReceipt:
    """提交即消耗链接；未被收下的答卷不消耗。重发同一份答卷得到同一结果。不保存答题人的任何身份信息。"""
    return await service.send_answer(session, body=body)
