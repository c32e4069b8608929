"""Importing users (M2.10)."""

import asyncio
from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.imports import failed_rows, faults_of
from wenming_api.kit.problems import Problem
from wenming_api.kit.workbooks import (
    Cell,
    CellError,
    Column,
    Limits,
    ReadTable,
    Row,
    Table,
    join_list,
    read_table,
    text,
    text_list,
    write_errors,
)
from wenming_api.system.account_imports.schemas import AccountImportReport, ImportedAccount
from wenming_api.system.accounts.service import check_gives, check_separated, load_roles
from wenming_api.system.audit.service import entry, record_many
from wenming_api.system.regions.service import hold_tree
from wenming_api.system.roles.models import Role
from wenming_api.system.units.models import Department, Unit
from wenming_api.system.users.models import User, UserRole
from wenming_api.system.users.rules import generate_password, hash_password, is_username

MOST = Limits(rows=500)
"""Hashing a password takes tens of milliseconds, so that a file of this size is done in seconds."""


def _username(cell: Cell) -> str:
    name = text(cell).lower()
    if not is_username(name):
        raise CellError("应为 3–64 个字母、数字、点、连字符、下划线，以字母或数字开头")
    return name


TABLE = Table(
    name="用户",
    columns=(
        Column(key="username", header="用户名", parse=_username, required=True, max_length=64),
        Column(key="display_name", header="姓名", required=True, max_length=100),
        Column(key="unit", header="单位", required=True, max_length=100, hint="单位名称；同名时填统一社会信用代码"),
        Column(key="department", header="处室", max_length=100),
        Column(key="roles", header="角色", parse=text_list, show=join_list, hint="角色名称，多个用顿号分开"),
    ),
)


async def import_users(
    session: WriteSession, *, caller: Principal, data: bytes, dry_run: bool, partial: bool
) -> tuple[AccountImportReport, bytes | None]:
    """Make the users of a file, each with a generated password that is returned this once.

    Nothing is saved on a dry run, nor when a row is wrong unless `partial`. Returns the report and, when rows were
    wrong, the workbook that marks them.
    """
    read = await asyncio.to_thread(read_table, data, TABLE, MOST)
    await hold_tree(session)
    await _reject_taken(session, read)
    units = await _units(session, read, caller)
    departments = await _departments(session, read, units)
    roles = await _roles(session, read, caller, units)
    good = list(read.good_rows())
    failed = failed_rows(read)
    apply = not dry_run and (partial or not failed)
    accounts: list[ImportedAccount] = []
    if apply and good:
        passwords = [generate_password() for _ in good]
        hashes = await asyncio.to_thread(lambda: [hash_password(password) for password in passwords])
        await _save(session, caller, good, hashes, units, departments, roles)
        accounts = [
            ImportedAccount(row=row.number, username=row["username"], password=password)
            for row, password in zip(good, passwords, strict=True)
        ]
    report = AccountImportReport(
        dry_run=dry_run,
        applied=apply,
        total=len(good) + failed,
        created=len(good),
        updated=0,
        unchanged=0,
        failed=failed,
        faults=faults_of(read),
        accounts=accounts,
    )
    return report, await asyncio.to_thread(write_errors, [read]) if failed else None


async def _reject_taken(session: WriteSession, read: ReadTable) -> None:
    wanted = {row["username"] for row in read.rows}
    taken = set((await session.execute(select(User.username).where(User.username.in_(wanted)))).scalars())
    first: dict[str, int] = {}
    for row in read.rows:
        name = row["username"]
        if name in taken:
            read.reject(row.number, "用户名已存在", "username")
        elif name in first:
            read.reject(row.number, f"与第 {first[name]} 行重复", "username")
        first.setdefault(name, row.number)


async def _units(session: WriteSession, read: ReadTable, caller: Principal) -> dict[int, Unit]:
    """The unit of each row, found by credit code or by a name that only one unit in the scope has."""
    wanted = {row["unit"] for row in read.rows}
    found = await session.execute(
        select(Unit).where(Unit.name.in_(wanted) | Unit.credit_code.in_(wanted), Unit.active, caller.scope.where(Unit))
    )
    named: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in found.scalars():
        named[unit.name].append(unit)
        if unit.credit_code:
            named[unit.credit_code].append(unit)
    units: dict[int, Unit] = {}
    for row in read.rows:
        matching = named[row["unit"]]
        if len(matching) == 1:
            units[row.number] = matching[0]
        elif matching:
            read.reject(row.number, f"有 {len(matching)} 个同名单位，请改填统一社会信用代码", "unit")
        else:
            read.reject(row.number, "单位不存在、已停用，或不在您的数据范围内", "unit")
    return units


async def _departments(session: WriteSession, read: ReadTable, units: dict[int, Unit]) -> dict[int, UUID]:
    found = await session.execute(
        select(Department.unit_id, Department.name, Department.id).where(
            Department.unit_id.in_({unit.id for unit in units.values()}), Department.active
        )
    )
    by_name = {(unit_id, name): id_ for unit_id, name, id_ in found}
    departments: dict[int, UUID] = {}
    for row in read.rows:
        unit = units.get(row.number)
        if unit is None or not row["department"]:
            continue
        if (unit.id, row["department"]) in by_name:
            departments[row.number] = by_name[unit.id, row["department"]]
        else:
            read.reject(row.number, "该单位没有这个处室，或已停用", "department")
    return departments


async def _roles(
    session: WriteSession, read: ReadTable, caller: Principal, units: dict[int, Unit]
) -> dict[int, list[UUID]]:
    wanted = {name for row in read.rows for name in row["roles"] or ()}
    ids = (await session.execute(select(Role.id).where(Role.name.in_(wanted) | Role.code.in_(wanted)))).scalars()
    named: dict[str, tuple[Role, list[str]]] = {}
    for role, regions in await load_roles(session, list(ids)):
        named[role.code] = named[role.name] = (role, regions)
    roles: dict[int, list[UUID]] = {}
    for row in read.rows:
        names, unit = row["roles"] or (), units.get(row.number)
        if not names or unit is None:
            continue
        fault = _role_fault(caller, unit, names, named)
        if fault:
            read.reject(row.number, fault, "roles")
        else:
            roles[row.number] = list(dict.fromkeys(named[name][0].id for name in names))
    return roles


def _role_fault(
    caller: Principal, unit: Unit, names: tuple[str, ...], named: dict[str, tuple[Role, list[str]]]
) -> str | None:
    if not caller.may(Permission.ROLES_MANAGE):
        return "分配角色需要“维护角色”权限"
    if unknown := [name for name in names if name not in named]:
        return f"没有角色“{unknown[0]}”"
    try:
        check_separated([named[name][0] for name in names])
        for name in names:
            check_gives(caller, *named[name], unit)
    except Problem as problem:
        return problem.extensions["errors"][0]["message"] if problem.extensions.get("errors") else problem.detail
    return None


async def _save(
    session: WriteSession,
    caller: Principal,
    rows: list[Row],
    hashes: list[str],
    units: dict[int, Unit],
    departments: dict[int, UUID],
    roles: dict[int, list[UUID]],
) -> None:
    at = clock.now()
    users: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for row, hashed in zip(rows, hashes, strict=True):
        unit = units[row.number]
        user_id = uuid7()
        users.append(
            {
                "id": user_id,
                "username": row["username"],
                "display_name": row["display_name"],
                "password_hash": hashed,
                "password_changed_at": at,
                "unit_id": unit.id,
                "unit_path": unit.unit_path,
                "region_path": unit.region_path,
                "department_id": departments.get(row.number),
            }
        )
        held += [{"user_id": user_id, "role_id": role_id} for role_id in roles.get(row.number, [])]
    await session.execute(insert(User), users)
    if held:
        await session.execute(insert(UserRole), held)
    await record_many(
        session,
        [
            entry(
                caller=caller,
                action="users.create",
                target=("user", user["id"]),
                after={"username": user["username"], "unit_id": user["unit_id"]},
            )
            for user in users
        ],
    )
