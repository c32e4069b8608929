"""版式 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Judged, Search, Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Store, Writes, etag, no_replay
from wenming_api.kit.pages import Page
from wenming_api.kit.printing.press import PrintingFailed
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.kit.storage import StoreUnavailable
from wenming_api.ledgers.layouts import queries, service
from wenming_api.ledgers.layouts.queries import LayoutNotFound, LayoutVersionNotFound
from wenming_api.ledgers.layouts.schemas import (
    DefaultLayout,
    EffectiveLayout,
    LayoutCreate,
    LayoutDraft,
    LayoutOut,
    LayoutRow,
    LayoutSort,
    LayoutUpdate,
    LayoutVersionOut,
    TestPrint,
    TestPrintLink,
)
from wenming_api.ledgers.layouts.service import LayoutTaken

router = Router(prefix="/ledgers/layouts", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.LAYOUTS_READ))]
VersionNo = Annotated[int, Path(ge=1, le=2**31 - 1, description="版本号")]
MayManage = Annotated[Principal, Depends(may(Permission.LAYOUTS_MANAGE))]


@router.get("", summary="查询版式")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: LayoutSort = LayoutSort.NAME,
    q: Annotated[Search | None, Query(description="名称包含")] = None,
    catalogue_id: Annotated[UUID | None, Query(description="适用的目录")] = None,
    node_id: Annotated[UUID | None, Query(description="适用的分类")] = None,
    active: Annotated[bool | None, Query(description="是否有使用中的版本")] = None,
) -> Page[LayoutRow]:
    """各分类、目录的台账版式。"""
    return await queries.list_layouts(
        session, params=paging, sort=sort, q=q, catalogue_id=catalogue_id, node_id=node_id, active=active
    )


@router.post("", status_code=201, summary="新建版式", responses=problems(LayoutTaken))
async def create(caller: MayManage, body: LayoutCreate, session: Writes, response: Response) -> LayoutOut:
    """新建一个版式及其草稿；不给出内容时以系统自带版式为底本。"""
    made = await service.create_layout(session, caller=caller, new=body)
    etag(response, made.version)
    return await queries.read_layout(session, made.id, caller=caller)


@router.get("/default", summary="系统自带版式")
async def default(caller: MayRead) -> DefaultLayout:
    """未另设版式时使用的版式，以及版式中可用的字段。"""
    return queries.delivered_layout()


@router.get("/effective", summary="分类实际使用的版式", responses=problems(LayoutNotFound))
async def effective(
    caller: MayRead, session: Reads, node_id: Annotated[UUID, Query(description="分类")]
) -> EffectiveLayout:
    """依次取该分类、最近的上级分类、目录、全系统的版式，都没有时为系统自带版式。"""
    return await queries.read_effective(session, node_id)


@router.get("/{layout_id}", summary="版式详情", responses=problems(LayoutNotFound))
async def read(caller: MayRead, layout_id: UUID, session: Reads, response: Response) -> LayoutOut:
    """含各版本及当前用户可做的操作。"""
    found = await queries.read_layout(session, layout_id, caller=caller)
    etag(response, found.version)
    return found


@router.patch("/{layout_id}", summary="修改版式名称", responses=problems(LayoutNotFound, StaleVersion, VersionRequired))
async def update(
    caller: MayManage, layout_id: UUID, body: LayoutUpdate, version: IfMatch, session: Writes, response: Response
) -> LayoutOut:
    """只改名称；内容通过草稿修改。"""
    await service.rename_layout(session, caller=caller, layout_id=layout_id, version=version, name=body.name)
    return await _answer(session, layout_id, caller, response)


@router.delete(
    "/{layout_id}",
    status_code=204,
    summary="删除版式",
    responses=problems(LayoutNotFound, IllegalTransition, StaleVersion, VersionRequired),
)
async def delete(caller: MayManage, layout_id: UUID, version: IfMatch, session: Writes) -> None:
    """只能删除从未启用过的版式。"""
    await service.delete_layout(session, caller=caller, layout_id=layout_id, version=version)


@router.put(
    "/{layout_id}/draft", summary="编辑版式草稿", responses=problems(LayoutNotFound, StaleVersion, VersionRequired)
)
async def draft(
    caller: MayManage, layout_id: UUID, body: LayoutDraft, version: IfMatch, session: Writes, response: Response
) -> LayoutOut:
    """替换草稿的内容；没有草稿时另起新版本。修改后须重新试印。"""
    await service.save_draft(session, caller=caller, layout_id=layout_id, version=version, body=body.body)
    return await _answer(session, layout_id, caller, response)


@router.post(
    "/{layout_id}/test",
    summary="试印版式",
    responses=problems(LayoutNotFound, VersionMoved, IllegalTransition, PrintingFailed, StoreUnavailable),
)
@no_replay
async def test(
    caller: MayManage, layout_id: UUID, body: Judged, session: Writes, store: Store, request: Request
) -> TestPrint:
    """以示例记录打印草稿，保留 PDF 并给出下载地址；启用前必须试印。"""
    press = request.app.state.resources.press
    return await service.test_draft(
        session, caller=caller, layout_id=layout_id, version=body.version, press=press, store=store
    )


@router.post(
    "/{layout_id}/activate", summary="启用版式", responses=problems(LayoutNotFound, VersionMoved, IllegalTransition)
)
async def activate(
    caller: MayManage, layout_id: UUID, body: Transition, session: Writes, response: Response
) -> LayoutOut:
    """启用试印过的草稿，原使用中的版本随之停用。"""
    await service.activate_layout(session, caller=caller, layout_id=layout_id, version=body.version, reason=body.reason)
    return await _answer(session, layout_id, caller, response)


@router.post(
    "/{layout_id}/retire", summary="停用版式", responses=problems(LayoutNotFound, VersionMoved, IllegalTransition)
)
async def retire(
    caller: MayManage, layout_id: UUID, body: Transition, session: Writes, response: Response
) -> LayoutOut:
    """停用后由最近的上级分类、目录或系统的版式代替。"""
    await service.retire_layout(session, caller=caller, layout_id=layout_id, version=body.version, reason=body.reason)
    return await _answer(session, layout_id, caller, response)


@router.get("/{layout_id}/versions/{no}", summary="版式的一个版本", responses=problems(LayoutVersionNotFound))
async def version(caller: MayRead, layout_id: UUID, no: VersionNo, session: Reads) -> LayoutVersionOut:
    """某一版本的内容。"""
    return await queries.read_version(session, layout_id, no)


@router.get("/{layout_id}/versions/{no}/test", summary="版式的试印结果", responses=problems(LayoutVersionNotFound))
async def test_print(caller: MayRead, layout_id: UUID, no: VersionNo, session: Reads, store: Store) -> TestPrintLink:
    """保留的试印 PDF 的下载地址。"""
    return await queries.kept_test(session, layout_id, no, store=store)


async def _answer(session: Writes, layout_id: UUID, caller: Principal, response: Response) -> LayoutOut:
    found = await queries.read_layout(session, layout_id, caller=caller)
    etag(response, found.version)
    return found
