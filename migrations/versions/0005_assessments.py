"""Assessments."""

revision = "0005_assessments"
down_revision = "0004_standards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
