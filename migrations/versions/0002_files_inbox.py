"""Files, upload sessions, the inbox."""

revision = "0002_files_inbox"
down_revision = "0001_system"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
