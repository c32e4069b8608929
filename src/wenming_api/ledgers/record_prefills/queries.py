"""What is offered while a record is written."""

from uuid import UUID

from sqlalchemy import and_, select

from wenming_api.access.principal import Principal
from wenming_api.kit.clock import at_the_edge
from wenming_api.kit.db import AnySession
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.catalogues.queries import NodeNotFound
from wenming_api.ledgers.catalogues.queries import visible as visible_catalogues
from wenming_api.ledgers.contents.rules import LABELS
from wenming_api.ledgers.record_prefills.rules import caption_place, caption_time
from wenming_api.ledgers.record_prefills.schemas import (
    CaptionSuggestion,
    PrefilledField,
    PrefillOut,
    PrefillSource,
)
from wenming_api.ledgers.records.models import Record, RecordCategory, RecordVersion
from wenming_api.ledgers.records.queries import visible
from wenming_api.system.files.queries import WrongFileKind, find_file
from wenming_api.system.files.queries import visible as visible_files
from wenming_api.system.files.rules import FileKind, FileState
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit

_TAKEN_OVER = ("title", "work_area_code", "place", "longitude", "latitude", "participants", "participant_count")
"""What an earlier record of the same category usually repeats."""


async def prefill(session: AnySession, *, caller: Principal, node_id: UUID) -> PrefillOut:
    """What the caller's unit has given before for this category, else what is known of the unit; each field says
    where it comes from. Three statements at most; `NodeNotFound`."""
    known = await session.scalar(
        select(CatalogueNode.id)
        .join(Catalogue, Catalogue.id == CatalogueNode.catalogue_id)
        .where(CatalogueNode.id == node_id, visible_catalogues(caller.scope))
    )
    if known is None:
        raise NodeNotFound
    found = await session.execute(
        select(Record.id, Record.title, Record.updated_at, RecordVersion.content)
        .join(RecordCategory, RecordCategory.record_id == Record.id)
        .join(
            RecordVersion,
            and_(RecordVersion.record_id == Record.id, RecordVersion.no == Record.current_version_no),
        )
        .where(RecordCategory.node_id == node_id, Record.unit_id == caller.unit_id, visible(caller.scope))
        .order_by(Record.approved_version_no.is_(None), Record.number.desc())
        .limit(1)
    )
    earlier = found.one_or_none()
    fields: list[PrefilledField] = []
    if earlier is not None:
        fields = [
            PrefilledField(
                field=name,
                label=LABELS[name],
                value=earlier.content[name],
                source=PrefillSource.RECORD,
                source_id=earlier.id,
                source_title=earlier.title,
                as_of=earlier.updated_at,
            )
            for name in _TAKEN_OVER
            if earlier.content.get(name) not in (None, "")
        ]
    if all(each.field != "place" for each in fields):
        unit = (
            await session.execute(
                select(Unit.id, Unit.name, Unit.updated_at, Region.full_name)
                .join(Region, Region.id == Unit.region_id)
                .where(Unit.id == caller.unit_id)
            )
        ).one()
        place = f"{unit.full_name.replace('/', '')}{unit.name}"[:200]
        fields.append(
            PrefilledField(
                field="place",
                label=LABELS["place"],
                value=place,
                source=PrefillSource.UNIT,
                source_id=unit.id,
                source_title=unit.name,
                as_of=unit.updated_at,
            )
        )
    return PrefillOut(node_id=node_id, fields=fields)


async def suggest_caption(session: AnySession, *, caller: Principal, file_id: UUID) -> CaptionSuggestion:
    """Time and place of a caption from what the camera wrote. Raises `NotFound`, `WrongFileKind`."""
    file = await find_file(session, file_id, scope=visible_files(caller))
    if file.kind is not FileKind.PHOTO:
        raise WrongFileKind(f"这里需要照片，而该文件是{file.kind.label}。")
    placed = file.longitude is not None and file.latitude is not None
    return CaptionSuggestion(
        file_id=file_id,
        ready=file.state is FileState.READY,
        time=caption_time(at_the_edge(file.taken_at)) if file.taken_at else None,
        place=caption_place(file.longitude, file.latitude) if placed else None,  # type: ignore[arg-type]
        taken_at=file.taken_at,
        longitude=file.longitude,
        latitude=file.latitude,
    )
