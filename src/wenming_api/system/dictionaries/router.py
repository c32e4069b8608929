"""数据字典 over HTTP."""

from typing import Annotated

from fastapi import Depends, Path, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Search, Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.system.dictionaries import queries, service
from wenming_api.system.dictionaries.queries import DictionaryItemNotFound, DictionaryNotFound
from wenming_api.system.dictionaries.rules import CODE_PATTERN
from wenming_api.system.dictionaries.schemas import (
    DictionaryCreate,
    DictionaryOut,
    DictionaryRow,
    DictionarySort,
    DictionaryUpdate,
    ItemCreate,
    ItemOrder,
    ItemOut,
    ItemUpdate,
)
from wenming_api.system.dictionaries.service import DictionaryCodeTaken

router = Router(prefix="/dictionaries", tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayReadDictionaries = Annotated[Principal, Depends(may(Permission.DICTIONARIES_READ))]
MayManageDictionaries = Annotated[Principal, Depends(may(Permission.DICTIONARIES_MANAGE))]
CodePath = Annotated[str, Path(pattern=CODE_PATTERN, description="字典代码", examples=["industry"])]
ItemCodePath = Annotated[str, Path(pattern=CODE_PATTERN, description="字典项代码", examples=["commerce"])]


@router.get("", summary="查询字典")
async def list_(
    caller: MayReadDictionaries,
    session: Reads,
    paging: Paging,
    sort: DictionarySort = DictionarySort.POSITION,
    q: Annotated[Search | None, Query(description="名称或代码包含")] = None,
) -> Page[DictionaryRow]:
    """不含字典项，字典项见详情。"""
    return await queries.list_dictionaries(session, params=paging, sort=sort, q=q)


@router.post("", status_code=201, summary="新增字典", responses=problems(DictionaryCodeTaken))
async def create(
    caller: MayManageDictionaries, session: Writes, response: Response, body: DictionaryCreate
) -> DictionaryOut:
    """代码不可重复，建立后不可修改。"""
    made = await service.create_dictionary(session, body, caller=caller)
    etag(response, made.version)
    return made


@router.get("/{code}", summary="字典详情", responses=problems(DictionaryNotFound))
async def read(
    caller: MayReadDictionaries,
    session: Reads,
    response: Response,
    code: CodePath,
    active: Annotated[bool | None, Query(description="只要启用或只要停用的字典项")] = None,
) -> DictionaryOut:
    """含按顺序排列的字典项。"""
    found = await queries.get_dictionary(session, code, caller=caller, active=active)
    etag(response, found.version)
    return found


@router.patch(
    "/{code}",
    summary="修改字典",
    responses=problems(DictionaryNotFound, StaleVersion, VersionRequired),
)
async def update(
    caller: MayManageDictionaries,
    session: Writes,
    response: Response,
    code: CodePath,
    body: DictionaryUpdate,
    version: IfMatch,
) -> DictionaryOut:
    """修改名称或备注。"""
    changed = await service.update_dictionary(session, code, body, version=version, caller=caller)
    etag(response, changed.version)
    return changed


@router.put(
    "/{code}/order",
    summary="调整字典项顺序",
    responses=problems(DictionaryNotFound, StaleVersion, VersionRequired),
)
async def reorder(
    caller: MayManageDictionaries,
    session: Writes,
    response: Response,
    code: CodePath,
    body: ItemOrder,
    version: IfMatch,
) -> DictionaryOut:
    """须恰好列出全部字典项；If-Match 为字典的版本。"""
    changed = await service.reorder_items(session, code, body, version=version, caller=caller)
    etag(response, changed.version)
    return changed


@router.post(
    "/{code}/items",
    status_code=201,
    summary="新增字典项",
    responses=problems(DictionaryNotFound, DictionaryCodeTaken),
)
async def add_item(
    caller: MayManageDictionaries, session: Writes, response: Response, code: CodePath, body: ItemCreate
) -> ItemOut:
    """排在最后；代码在字典内不可重复。"""
    made = await service.add_item(session, code, body, caller=caller)
    etag(response, made.version)
    return made


@router.patch(
    "/{code}/items/{item_code}",
    summary="修改字典项",
    responses=problems(DictionaryNotFound, DictionaryItemNotFound, StaleVersion, VersionRequired),
)
async def update_item(
    caller: MayManageDictionaries,
    session: Writes,
    response: Response,
    code: CodePath,
    item_code: ItemCodePath,
    body: ItemUpdate,
    version: IfMatch,
) -> ItemOut:
    """修改名称或备注；If-Match 为字典项的版本。"""
    changed = await service.update_item(session, code, item_code, body, version=version, caller=caller)
    etag(response, changed.version)
    return changed


@router.post(
    "/{code}/items/{item_code}/disable",
    summary="停用字典项",
    responses=problems(DictionaryNotFound, DictionaryItemNotFound, VersionMoved, IllegalTransition),
)
async def disable_item(
    caller: MayManageDictionaries,
    session: Writes,
    response: Response,
    code: CodePath,
    item_code: ItemCodePath,
    body: Transition,
) -> ItemOut:
    """停用后不能再选用，已引用的数据不受影响；字典项不能删除。"""
    changed = await service.set_item_active(
        session, code, item_code, active=False, version=body.version, reason=body.reason, caller=caller
    )
    etag(response, changed.version)
    return changed


@router.post(
    "/{code}/items/{item_code}/enable",
    summary="启用字典项",
    responses=problems(DictionaryNotFound, DictionaryItemNotFound, VersionMoved, IllegalTransition),
)
async def enable_item(
    caller: MayManageDictionaries,
    session: Writes,
    response: Response,
    code: CodePath,
    item_code: ItemCodePath,
    body: Transition,
) -> ItemOut:
    """恢复已停用的字典项。"""
    changed = await service.set_item_active(
        session, code, item_code, active=True, version=body.version, reason=body.reason, caller=caller
    )
    etag(response, changed.version)
    return changed
