"""System core: regions, units, users, roles, sessions, audit, queue."""

revision = "0001_system"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
