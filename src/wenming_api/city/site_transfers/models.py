"""Tables of imports of sites."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.city.site_transfers.rules import ImportState, OnExisting, TransferFormat
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, enum_column


class SiteImport(Keyed, Base):
    """One import: what was asked, what became of it, and the rows that failed. Its maker alone sees it."""

    __tablename__ = "site_imports"

    owner_id: Mapped[UUID] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    file_name: Mapped[str]
    format: Mapped[TransferFormat] = enum_column(TransferFormat)
    on_existing: Mapped[OnExisting] = enum_column(OnExisting)
    dry_run: Mapped[bool]
    partial: Mapped[bool]
    state: Mapped[ImportState] = enum_column(ImportState)
    total: Mapped[int]
    created: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    failed: Mapped[int]
    failures: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
