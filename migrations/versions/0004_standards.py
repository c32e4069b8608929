"""Indicator systems and standards."""

revision = "0004_standards"
down_revision = "0003_sites"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
