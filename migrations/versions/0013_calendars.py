"""calendars."""

revision = "0013_calendars"
down_revision = "0012_narrow_cells"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
