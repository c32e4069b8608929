"""Table of pages of videos."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit.db import Base


class VideoPage(Base):
    """What the page of a link said when it was read last; `failure` is the Chinese reason why it was not."""

    __tablename__ = "video_pages"

    url_hash: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    title: Mapped[str | None]
    cover_url: Mapped[str | None]
    fetched_at: Mapped[datetime]
    failure: Mapped[str | None]

    __table_args__ = (CheckConstraint("url_hash ~ '^[0-9a-f]{64}$'", name="url_hash"),)
