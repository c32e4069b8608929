"""Results and ranking lists."""

revision = "0009_results"
down_revision = "0008_surveys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
