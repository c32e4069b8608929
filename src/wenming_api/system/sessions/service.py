"""Signing in and out; refresh rotation with reuse detection; locks after failures; who a token belongs to."""

import asyncio
import hashlib
import secrets
import time
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.access.tokens import InvalidToken, TokenIssuer
from wenming_api.kit import clock, context
from wenming_api.kit.db import Database, WriteSession
from wenming_api.kit.invalidation import Listener, invalidate
from wenming_api.kit.problems import FieldError, InvalidInput, NotFound, Problem, TooManyRequests, Unauthenticated
from wenming_api.settings import SessionSettings
from wenming_api.system.audit.service import record
from wenming_api.system.sessions import queries, rules
from wenming_api.system.sessions.models import LoginFailures, RefreshToken, Session
from wenming_api.system.sessions.schemas import Tokens
from wenming_api.system.users.models import User
from wenming_api.system.users.rules import hash_password, verify_password, weaknesses


class SignInRefused(Problem):
    """Unknown user, wrong password, disabled user: one answer for all, so that nothing is told (N3)."""

    status = 401
    code = "sign_in_refused"
    title = "用户名或密码不正确"
    keeps_changes = True


class SignInLocked(TooManyRequests):
    """Too many failures from this account name or address."""

    code = "sign_in_locked"
    title = "登录已被暂时锁定"
    keeps_changes = True


class WrongPassword(InvalidInput):
    """The current password, given once more to change it, is wrong. Not 401: the session is as good as before."""

    code = "wrong_password"
    keeps_changes = True


class RefreshRefused(Unauthenticated):
    """The refresh token is unknown, expired or already used; a second use ends the session (N4)."""

    code = "refresh_refused"
    title = "登录已失效"
    keeps_changes = True


# What an unknown user's password is compared with, so that the answer takes as long.
_NOBODY = hash_password(secrets.token_urlsafe(16))


def _subjects(username: str) -> list[str]:
    address = context.client_address.get()
    return [f"account:{username.lower()}"] + ([f"address:{address}"] if address else [])


async def _refuse_when_locked(session: WriteSession, username: str) -> None:
    found = await session.execute(
        select(LoginFailures.locked_until).where(
            LoginFailures.subject.in_(_subjects(username)), LoginFailures.locked_until > clock.now()
        )
    )
    until = max((row.locked_until for row in found), default=None)
    if until is not None:
        seconds = max(1, int((until - clock.now()).total_seconds()))
        raise SignInLocked(f"登录失败次数过多，请在 {seconds} 秒后再试，或联系管理员解锁。", retry_after=seconds)


async def _count_failure(session: WriteSession, username: str, settings: SessionSettings) -> None:
    at = clock.now()
    for subject in sorted(_subjects(username)):
        await session.execute(
            insert(LoginFailures).values(subject=subject, count=0, last_at=at).on_conflict_do_nothing()
        )
        kept = (
            await session.execute(select(LoginFailures).where(LoginFailures.subject == subject).with_for_update())
        ).scalar_one()
        limit = (
            settings.failures_before_lock if subject.startswith("account:") else settings.address_failures_before_lock
        )
        kept.count = rules.next_count(count=kept.count, last_at=kept.last_at, at=at)
        kept.last_at = at
        kept.locked_until = rules.lock_until(
            count=kept.count, limit=limit, lock_for=timedelta(seconds=settings.lock_seconds), at=at
        )


async def sign_in(
    session: WriteSession,
    *,
    issuer: TokenIssuer,
    settings: SessionSettings,
    username: str,
    password: str,
    user_agent: str | None,
) -> Tokens:
    """Start a session, or `SignInRefused`/`SignInLocked` with the failure counted (M3.4, N3)."""
    await _refuse_when_locked(session, username)
    user = (await session.execute(select(User).where(User.username == username.lower()))).scalar_one_or_none()
    right = await asyncio.to_thread(verify_password, password, user.password_hash if user else _NOBODY)
    if user is None or not right or not user.active:
        await _count_failure(session, username, settings)
        await record(session, caller=None, action="sessions.refuse", target=("user", user.id if user else None))
        raise SignInRefused("请核对用户名和密码；连续失败会被暂时锁定。")
    await session.execute(
        update(LoginFailures)
        .where(LoginFailures.subject == f"account:{user.username}")
        .values(count=0, locked_until=None)
    )
    at = clock.now()
    started = Session(
        user_id=user.id,
        started_at=at,
        refreshed_at=at,
        expires_at=at + timedelta(seconds=settings.idle_seconds),
        client_address=context.client_address.get(),
        user_agent=(user_agent or "")[:300] or None,
    )
    session.add(started)
    await session.flush()  # the refresh token needs the session's row
    await record(
        session, caller=None, action="sessions.start", target=("user", user.id), after={"session_id": started.id}
    )
    return await _issue(session, issuer=issuer, settings=settings, started=started, user=user)


async def _issue(
    session: WriteSession, *, issuer: TokenIssuer, settings: SessionSettings, started: Session, user: User
) -> Tokens:
    at = clock.now()
    secret = secrets.token_urlsafe(32)
    until = rules.refresh_until(
        started_at=started.started_at,
        at=at,
        idle=timedelta(seconds=settings.idle_seconds),
        absolute=timedelta(seconds=settings.absolute_seconds),
    )
    started.refreshed_at, started.expires_at = at, until
    session.add(
        RefreshToken(session_id=started.id, token_hash=hashlib.sha256(secret.encode()).digest(), expires_at=until)
    )
    lives_for = min(timedelta(seconds=settings.access_seconds), until - at)
    return Tokens(
        access_token=issuer.issue(user_id=user.id, session_id=started.id, at=at, lives_for=lives_for),
        refresh_token=secret,
        token_type="Bearer",  # noqa: S106
        expires_in=int(lives_for.total_seconds()),
        must_change_password=user.must_change_password,
    )


async def refresh(
    session: WriteSession, *, issuer: TokenIssuer, settings: SessionSettings, refresh_token: str
) -> Tokens:
    """Exchange a refresh token for a new pair; a token used twice ends its whole session (N4)."""
    hashed = hashlib.sha256(refresh_token.encode()).digest()
    token = (
        await session.execute(select(RefreshToken).where(RefreshToken.token_hash == hashed).with_for_update())
    ).scalar_one_or_none()
    if token is None:
        raise RefreshRefused
    started, user = (
        await session.execute(
            select(Session, User)
            .join(User, User.id == Session.user_id)
            .where(Session.id == token.session_id)
            .with_for_update(of=Session)
        )
    ).one()
    at = clock.now()
    if token.used_at is not None:
        if started.revoked_at is None:
            await _revoke(session, [started.id], user_id=user.id, reason="刷新令牌被重复使用")
            await record(session, caller=None, action="sessions.reuse_detected", target=("user", user.id))
        raise RefreshRefused("此登录已在别处使用，为安全起见已失效，请重新登录。")
    if started.revoked_at is not None or token.expires_at <= at or not user.active:
        raise RefreshRefused
    token.used_at = at
    return await _issue(session, issuer=issuer, settings=settings, started=started, user=user)


async def _revoke(session: WriteSession, ids: list[UUID], *, user_id: UUID, reason: str) -> None:
    await session.execute(
        update(Session)
        .where(Session.id.in_(ids), Session.revoked_at.is_(None))
        .values(revoked_at=clock.now(), revoked_reason=reason)
    )
    await invalidate(session, f"user:{user_id}")


async def sign_out(session: WriteSession, *, caller: Principal) -> None:
    """End the caller's session."""
    if caller.session_id is not None:
        await _revoke(session, [caller.session_id], user_id=caller.user_id, reason="退出登录")
        await record(session, caller=caller, action="sessions.end", target=("user", caller.user_id))


async def end_session(session: WriteSession, *, caller: Principal, session_id: UUID) -> None:
    """End one of the caller's own sessions."""
    own = await queries.list_own_sessions(session, caller=caller)
    if session_id not in {found.id for found in own}:
        raise NotFound
    await _revoke(session, [session_id], user_id=caller.user_id, reason="本人结束")
    await record(session, caller=caller, action="sessions.end", target=("session", session_id))


async def end_all(session: WriteSession, *, caller: Principal | None, user_id: UUID, reason: str) -> None:
    """End every session of a user: disabled, password reset, forced out (M2.10)."""
    live = await session.execute(select(Session.id).where(Session.user_id == user_id, Session.revoked_at.is_(None)))
    await _revoke(session, list(live.scalars()), user_id=user_id, reason=reason)
    await record(session, caller=caller, action="sessions.end_all", target=("user", user_id), reason=reason)


async def unlock(session: WriteSession, *, username: str) -> None:
    """Forget an account's failures."""
    await session.execute(
        update(LoginFailures).where(LoginFailures.subject == f"account:{username}").values(count=0, locked_until=None)
    )


async def change_password(
    session: WriteSession, *, caller: Principal, settings: SessionSettings, current: str, new: str
) -> None:
    """Change the caller's own password; his other sessions end."""
    await _refuse_when_locked(session, caller.username)
    user = (await session.execute(select(User).where(User.id == caller.user_id).with_for_update())).scalar_one()
    if not await asyncio.to_thread(verify_password, current, user.password_hash):
        await _count_failure(session, caller.username, settings)
        raise WrongPassword(errors=[FieldError("/current_password", "当前密码不正确")])
    found = weaknesses(new, username=user.username)
    if new == current:
        found.append("不能与当前密码相同")
    if found:
        raise InvalidInput(errors=[FieldError("/new_password", message) for message in found])
    user.password_hash = await asyncio.to_thread(hash_password, new)
    user.must_change_password = False
    user.password_changed_at = clock.now()
    others = await session.execute(
        select(Session.id).where(
            Session.user_id == user.id, Session.id != caller.session_id, Session.revoked_at.is_(None)
        )
    )
    await _revoke(session, list(others.scalars()), user_id=user.id, reason="修改密码")
    await record(session, caller=caller, action="users.change_password", target=("user", user.id))


class Identifier:
    """Whose token this is. A verified token is remembered until it expires or its user's rights change."""

    def __init__(
        self, *, database: Database, issuer: TokenIssuer, listener: Listener, remembered: int = 20_000
    ) -> None:
        self._database = database
        self._issuer = issuer
        self._listener = listener
        self._remembered = remembered
        self._known: dict[str, tuple[Principal, float]] = {}
        self._generation = 0
        listener.on_topic(self.forget)

    def forget(self, topic: str | None) -> None:
        """Forget a user's tokens (`user:<id>`), everyone's (`users`), or everything."""
        if topic is None or topic == "users":
            self._known.clear()
            self._generation += 1
        elif topic.startswith("user:"):
            user_id = topic.removeprefix("user:")
            self._known = {token: known for token, known in self._known.items() if str(known[0].user_id) != user_id}
            self._generation += 1

    async def __call__(self, token: str) -> Principal | None:
        """The principal of an access token; None when it is not, or no longer, valid."""
        known = self._known.get(token)
        if known is not None and known[1] > time.time():
            return known[0]
        try:
            claims = self._issuer.verify(token)
        except InvalidToken:
            return None
        generation = self._generation
        async with self._database.read() as session:
            principal = await queries.load_principal(session, session_id=claims.session_id)
        if principal is not None and self._listener.fresh and generation == self._generation:
            if len(self._known) >= self._remembered:
                self._known.clear()
            self._known[token] = (principal, claims.expires_at)
        return principal
