"""台账预览与导出 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Router, Store
from wenming_api.kit.printing.html import POLICY
from wenming_api.kit.printing.model import Form
from wenming_api.kit.printing.press import PrintingFailed
from wenming_api.kit.problems import Forbidden, Unauthenticated, problems
from wenming_api.kit.storage import StoreUnavailable, content_disposition
from wenming_api.ledgers.renderings import queries
from wenming_api.ledgers.renderings.queries import Rendered, RenderedRecordNotFound

router = Router(prefix="/ledgers", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayPrint = Annotated[Principal, Depends(may(Permission.DOCUMENTS_PRINT))]
Format = Annotated[Form, Query(alias="format", description="格式：html 预览，pdf，docx，xlsx")]
_BYTES = {form.media_type.split(";")[0]: {"schema": {"type": "string", "format": "binary"}} for form in Form}
_RESPONSES = {
    200: {"content": _BYTES},
    **problems(RenderedRecordNotFound, PrintingFailed, StoreUnavailable),
}


@router.get(
    "/records/{record_id}/document", summary="预览与导出台账记录", response_class=Response, responses=_RESPONSES
)
async def record(
    caller: MayPrint,
    record_id: UUID,
    store: Store,
    request: Request,
    form: Format = Form.PDF,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="版本号；不给出时为当前版本")] = None,
) -> Response:
    """按所属分类的版式生成：登记表、测评材料提交表与照片页（每页一张）。"""
    resources = request.app.state.resources
    rendered = await queries.render_record(
        resources.database, store, resources.press, record_id, scope=caller.scope, form=form, version_no=version
    )
    return _answer(rendered, form)


@router.get(
    "/submissions/{submission_id}/document", summary="预览与导出报送", response_class=Response, responses=_RESPONSES
)
async def submission(
    caller: MayPrint, submission_id: UUID, store: Store, request: Request, form: Format = Form.PDF
) -> Response:
    """报送时的版本，印有系统接收的报送时间；报送单位与接收单位都可以查看。"""
    resources = request.app.state.resources
    rendered = await queries.render_submission(
        resources.database, store, resources.press, submission_id, scope=caller.scope, form=form
    )
    return _answer(rendered, form)


def _answer(rendered: Rendered, form: Form) -> Response:
    headers = {
        "Content-Disposition": content_disposition(rendered.filename, inline=form in {Form.HTML, Form.PDF}),
        "ETag": f'"{rendered.hash}"',
    }
    if form is Form.HTML:
        headers["Content-Security-Policy"] = POLICY
    return Response(rendered.data, media_type=form.media_type, headers=headers)
