"""Sheets, versions, score lines."""

revision = "0007_scoring"
down_revision = "0006_sampling"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
