"""登录与会话 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request

from wenming_api.access.guards import SignedIn, public
from wenming_api.access.tokens import TokenIssuer
from wenming_api.kit.http import Reads, Router, Writes, no_replay
from wenming_api.kit.problems import NotFound, Unauthenticated, problems
from wenming_api.settings import SessionSettings
from wenming_api.system.sessions import queries, service
from wenming_api.system.sessions.schemas import Me, PasswordChange, Refresh, SessionOut, SignIn, Tokens

router = Router(tags=["登录"])


def _issuer(request: Request) -> TokenIssuer:
    issuer: TokenIssuer = request.app.state.issuer
    return issuer


def _settings(request: Request) -> SessionSettings:
    settings: SessionSettings = request.app.state.resources.settings.sessions
    return settings


async def _issuing(request: Request) -> tuple[TokenIssuer, SessionSettings]:
    return _issuer(request), _settings(request)


Issuing = Annotated[tuple[TokenIssuer, SessionSettings], Depends(_issuing)]


@router.post("/auth/login", summary="登录", responses=problems(service.SignInRefused, service.SignInLocked))
@public
@no_replay
async def sign_in(
    body: SignIn,
    session: Writes,
    issuing: Issuing,
    user_agent: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Tokens:
    """用户名和密码换取令牌。连续失败按账号和网络地址分别锁定，未知用户名的回答与此相同。"""
    return await service.sign_in(
        session,
        issuer=issuing[0],
        settings=issuing[1],
        username=body.username,
        password=body.password.get_secret_value(),
        user_agent=user_agent,
    )


@router.post("/auth/refresh", summary="刷新令牌", responses=problems(service.RefreshRefused))
@public
@no_replay
async def refresh(body: Refresh, session: Writes, issuing: Issuing) -> Tokens:
    """刷新令牌只能使用一次；重复使用会使整个登录失效。"""
    return await service.refresh(session, issuer=issuing[0], settings=issuing[1], refresh_token=body.refresh_token)


@router.post("/auth/logout", summary="退出登录", status_code=204, responses=problems(Unauthenticated))
async def sign_out(caller: SignedIn, session: Writes) -> None:
    """结束当前会话。"""
    await service.sign_out(session, caller=caller)


@router.get("/me", summary="当前用户、权限与数据范围", responses=problems(Unauthenticated))
async def me(caller: SignedIn, session: Reads) -> Me:
    """客户端据此显示菜单与按钮。"""
    return await queries.describe_me(session, caller=caller)


@router.post(
    "/me/password",
    summary="修改本人密码",
    status_code=204,
    responses=problems(Unauthenticated, service.WrongPassword, service.SignInLocked),
)
@no_replay
async def change_password(caller: SignedIn, body: PasswordChange, session: Writes, issuing: Issuing) -> None:
    """修改后，本人在其他设备上的登录全部失效。"""
    await service.change_password(
        session,
        caller=caller,
        settings=issuing[1],
        current=body.current_password.get_secret_value(),
        new=body.new_password.get_secret_value(),
    )


@router.get("/me/sessions", summary="本人的登录", responses=problems(Unauthenticated))
async def list_own(caller: SignedIn, session: Reads) -> list[SessionOut]:
    """本人仍有效的登录，最多 100 个。"""
    return await queries.list_own_sessions(session, caller=caller)


@router.delete(
    "/me/sessions/{session_id}",
    summary="结束本人的一次登录",
    status_code=204,
    responses=problems(Unauthenticated, NotFound),
)
async def end(caller: SignedIn, session_id: UUID, session: Writes) -> None:
    """在其他设备上的登录五秒内失效。"""
    await service.end_session(session, caller=caller, session_id=session_id)
