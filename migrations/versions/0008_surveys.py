"""Totals of other methods."""

revision = "0008_surveys"
down_revision = "0007_scoring"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
