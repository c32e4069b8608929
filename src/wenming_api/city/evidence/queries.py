"""Reads of evidence. Whoever may open a sheet may look at its photos, wherever their uploader belongs."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.scope import Scope
from wenming_api.city.evidence.schemas import EvidencePhoto
from wenming_api.city.scoring.models import LinePhoto, ScoreLine, Sheet, SheetVersion
from wenming_api.city.scoring.queries import visible
from wenming_api.kit.db import AnySession
from wenming_api.kit.problems import NotFound
from wenming_api.kit.storage import ObjectStore
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import link
from wenming_api.system.files.rules import Variant


async def list_photos(
    session: AnySession,
    *,
    store: ObjectStore,
    scope: Scope,
    assessment_id: UUID,
    sheet_id: UUID,
    version_id: UUID | None = None,
) -> list[EvidencePhoto]:
    """The photos of a sheet's current version, or of the one named, in the order of its lines. Two statements.

    Raises `NotFound` when the sheet lies outside the scope or has no such version.
    """
    sheet: Any = select(Sheet.current_version_id).where(
        Sheet.id == sheet_id, Sheet.assessment_id == assessment_id, visible(scope)
    )
    if version_id is not None:
        sheet = sheet.join(SheetVersion, SheetVersion.sheet_id == Sheet.id).where(SheetVersion.id == version_id)
    found = (await session.execute(sheet)).one_or_none()
    if found is None:
        raise NotFound
    photos = await session.execute(
        select(
            LinePhoto.file_id,
            LinePhoto.line_id,
            ScoreLine.standard_id,
            LinePhoto.no,
            LinePhoto.deduction_no,
            LinePhoto.taken_at,
            LinePhoto.longitude,
            LinePhoto.latitude,
            File.id,
            File.kind,
            File.state,
            File.name,
            File.content_type,
            File.defect,
            File.taken_at.label("camera_taken_at"),
            File.longitude.label("camera_longitude"),
            File.latitude.label("camera_latitude"),
            File.duplicate_of_id,
        )
        .select_from(LinePhoto)
        .join(ScoreLine, ScoreLine.id == LinePhoto.line_id)
        .outerjoin(File, File.id == LinePhoto.file_id)
        .where(ScoreLine.sheet_version_id == (version_id or found.current_version_id))
        .order_by(ScoreLine.id, LinePhoto.no)
    )
    return [_photo(store, dict(row)) for row in photos.mappings()]


def _photo(store: ObjectStore, row: dict[str, Any]) -> EvidencePhoto:
    there = row["id"] is not None
    links = {
        variant.value: link(store, row, variant) if there else None
        for variant in (Variant.THUMBNAIL, Variant.PREVIEW, Variant.PUBLIC)
    }
    defect = row["defect"]
    return EvidencePhoto.model_validate(row | links | {"defect_label": defect.label if defect else None})
