"""Bootstrap accounts: the three administrators, and the demo city's users. Passwords are generated, shown once."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select

from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.system.audit.service import record
from wenming_api.system.roles.models import Role
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User, UserRole
from wenming_api.system.users.rules import generate_password, hash_password

SURVEY_TEAM = "淄博市城市文明测评中心（演示）"
"""Commissioned assessors belong to a unit of their own, so that nobody assesses his own unit."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account to make: in which unit (by name), with which role."""

    username: str
    display_name: str
    unit: str
    role: str
    must_change_password: bool = False


def administrators(office: str) -> list[Account]:
    """System, security and audit administrator; each changes his password at the first sign-in."""
    return [
        Account("system.admin", "系统管理员", office, "system_administrator", must_change_password=True),
        Account("security.admin", "安全管理员", office, "security_administrator", must_change_password=True),
        Account("audit.admin", "审计管理员", office, "audit_administrator", must_change_password=True),
    ]


def demo_users(city: str, county: str, street: str, community: str) -> list[Account]:
    """The people of the demo city (made up): a mock assessment's, and those of one community's ledger upward."""
    office = f"{city}文明办"
    return [
        Account("city.office", "王敏", office, "city_office"),
        Account("city.leader", "李建国", office, "city_leader"),
        Account("city.reviewer", "张慧", office, "reviewer"),
        Account("county.office", "刘洋", f"{county}文明办", "county_office"),
        Account("street.office", "赵磊", f"{county}{street}办事处", "street_office"),
        Account("unit.clerk", "陈静", f"{city}城市管理局", "unit_clerk"),
        Account("community.clerk", "孙丽", f"{county}{street}{community}", "unit_clerk"),
        Account("community.reviewer", "周强", f"{county}{street}{community}", "unit_reviewer"),
        *(Account(f"assessor.{no:02}", f"测评员{no:02}", SURVEY_TEAM, "assessor") for no in range(1, 9)),
    ]


async def make_accounts(session: WriteSession, accounts: list[Account]) -> dict[str, str]:
    """Make the accounts that are not there yet; returns their one-time passwords by username."""
    there = set((await session.execute(select(User.username))).scalars())
    missing = [account for account in accounts if account.username not in there]
    if not missing:
        return {}
    units = await _units(session, {account.unit for account in missing})
    roles: dict[str, UUID] = dict((await session.execute(select(Role.code, Role.id))).all())
    passwords = {account.username: generate_password() for account in missing}
    hashes = await asyncio.gather(*(asyncio.to_thread(hash_password, password) for password in passwords.values()))
    at = clock.now()
    for account, hashed in zip(missing, hashes, strict=True):
        unit = units[account.unit]
        user = User(
            username=account.username,
            display_name=account.display_name,
            password_hash=hashed,
            must_change_password=account.must_change_password,
            password_changed_at=at,
            unit_id=unit.id,
            unit_path=unit.unit_path,
            region_path=unit.region_path,
        )
        session.add(user)
        await session.flush()  # the role needs the user's row
        await session.execute(insert(UserRole).values(user_id=user.id, role_id=roles[account.role]))
        await record(
            session,
            caller=None,
            action="users.create",
            target=("user", user.id),
            after={"username": account.username, "role": account.role},
        )
    return passwords


async def _units(session: WriteSession, names: set[str]) -> Mapping[str, Unit]:
    found = {unit.name: unit for unit in (await session.execute(select(Unit).where(Unit.name.in_(names)))).scalars()}
    if SURVEY_TEAM in names and SURVEY_TEAM not in found:
        found[SURVEY_TEAM] = await _make_survey_team(session)
    unknown = names - found.keys()
    if unknown:
        raise LookupError(f"units are missing: {', '.join(sorted(unknown))}")
    return found


async def _make_survey_team(session: WriteSession) -> Unit:
    root = (
        await session.execute(select(Unit).where(Unit.managing_unit_id.is_(None)).order_by(Unit.number).limit(1))
    ).scalar_one()
    team = Unit(
        name=SURVEY_TEAM,
        region_id=root.region_id,
        region_path=root.region_path,
        managing_unit_id=root.id,
        unit_path="",
        category_code="directly_managed",
        nature_code="institution",
    )
    session.add(team)
    await session.flush()  # its number, made by the database, is part of its path
    team.unit_path = f"{root.unit_path}{team.number}/"
    return team
