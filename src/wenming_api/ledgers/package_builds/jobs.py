"""Building packages: continued by the next worker when one is killed."""

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.kit import clock
from wenming_api.kit.decoding import Rejected
from wenming_api.kit.jobs import MAX_ATTEMPTS, Job, enqueue, every, job
from wenming_api.ledgers.package_builds.service import (
    Build,
    MemberFailed,
    Overtaken,
    SourceChanged,
    fail,
    start_anew,
    take_up,
    write_archive,
)
from wenming_api.ledgers.packages.models import Package
from wenming_api.ledgers.packages.queries import object_key
from wenming_api.ledgers.packages.rules import PackageState
from wenming_api.ledgers.packages.service import BUILD, CLEAN, VALIDATE, validate_package

STILL_FOR = timedelta(minutes=5)
"""A building without progress for so long has lost its worker."""


@job(VALIDATE)
async def validate(work: Job) -> None:
    """Find gaps and plan members."""
    async with work.transaction() as session:
        await validate_package(session, UUID(work.payload["package_id"]))


@job(BUILD)
async def build(work: Job) -> None:
    """Write the archive, from where the last worker left it."""
    resources = work.resources
    with tempfile.TemporaryDirectory(prefix="wenming-package-") as folder:
        run = Build(
            resources.database,
            resources.store,
            resources.decoders,
            UUID(work.payload["package_id"]),
            Path(folder),
        )
        try:
            if not await take_up(run):
                return
            try:
                await write_archive(run)
            except SourceChanged:
                await start_anew(run, run.multipart_id)
                await write_archive(run)
        except Overtaken:
            return
        except MemberFailed as error:
            await fail(run, str(error))
        except Rejected as error:
            await fail(run, f"照片无法处理：{error.defect.label}")
        except Exception as error:
            if work.attempt >= MAX_ATTEMPTS and not isinstance(error, asyncio.CancelledError):
                await fail(run, "打包多次中断，请稍后再试")
            raise


@job(CLEAN)
async def clean(work: Job) -> None:
    """Remove the parts of a building that was given up."""
    await work.resources.store.abort_multipart(
        object_key(UUID(work.payload["package_id"])), upload_id=work.payload["multipart_id"]
    )


@every("ledgers.package_builds.requeue", seconds=60)
async def requeue(resources: Any) -> None:
    """Queue again what has stood still: its worker is gone and the queue has forgotten it."""
    async with resources.database.transaction() as session:
        found = await session.execute(
            select(Package.id).where(
                Package.state == PackageState.BUILDING, Package.progressed_at < clock.now() - STILL_FOR
            )
        )
        for package_id in found.scalars():
            await enqueue(session, BUILD, {"package_id": str(package_id)}, dedupe=f"package:{package_id}")
