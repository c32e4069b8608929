"""catalogues."""

revision = "0015_catalogues"
down_revision = "0014_approvals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
