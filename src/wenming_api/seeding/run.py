"""What `wenming seed` does, in one transaction, and how it shows the passwords: once."""

import json
import os
from pathlib import Path

import typer

from wenming_api.city.editions.service import load_sample_edition
from wenming_api.kit.db import Database
from wenming_api.seeding.accounts import administrators, demo_users, make_accounts
from wenming_api.seeding.demo import seed_base, seed_city
from wenming_api.system.roles.service import seed_builtin_roles


async def load(url: str, *, demo: bool) -> dict[str, str]:
    """Load everything; returns the one-time passwords of the accounts that were made."""
    database = Database(url, pool_size=2)
    try:
        async with database.transaction() as session:
            await seed_builtin_roles(session)
            if not demo:
                await seed_base(session)
                return {}
            await seed_city(session)
            await load_sample_edition(session)
            people = [*administrators("淄博市文明办"), *demo_users("淄博市", "张店区", "车站街道", "新华社区居委会")]
            return await make_accounts(session, people)
    finally:
        await database.dispose()


def show(passwords: dict[str, str], *, save_to: Path | None) -> None:
    """Print the passwords, and write them to a file only the caller can read when asked to."""
    if save_to is not None:
        handle = os.open(save_to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(passwords, file, ensure_ascii=False, indent=1)
    if not passwords:
        typer.echo("  账号已在，密码不再显示 accounts exist, passwords are not shown again")
        return
    typer.echo("  一次性密码，只显示这一次 one-time passwords, shown only now:")
    for username, password in passwords.items():
        typer.echo(f"    {username:<16} {password}")
