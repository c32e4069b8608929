"""records."""

revision = "0017_records"
down_revision = "0016_quality"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
