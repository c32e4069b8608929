"""Pages of video links: what they said when they were read last."""

import sqlalchemy as sa
from alembic import op

revision = "0027_video_pages"
down_revision = "0026_plans"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "video_pages",
        sa.Column("url_hash", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text()),
        sa.Column("cover_url", sa.Text()),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failure", sa.Text()),
        sa.CheckConstraint("url_hash ~ '^[0-9a-f]{64}$'", name="ck_video_pages_url_hash"),
        sa.PrimaryKeyConstraint("url_hash", name="pk_video_pages"),
    )


def downgrade() -> None:
    op.drop_table("video_pages")
