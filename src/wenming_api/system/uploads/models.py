"""Tables of uploads."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped
from wenming_api.kit.db import Base, Keyed, Stamped


class UploadSession(Keyed, OwnerScoped, Stamped, Base):
    """A batch of files that one client sends together."""

    __tablename__ = "upload_sessions"

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
