"""An index for the list that reviewers read: the sheets of an assessment in one state, by region."""

from alembic import op

revision = "0011_sheet_lists"
down_revision = "0010_evidence_kept"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_sheets_assessment_state",
        "sheets",
        ["assessment_id", "state", "region_path", "id"],
        postgresql_include=["owner_id", "submitted_at"],
    )


def downgrade() -> None:
    op.drop_index("ix_sheets_assessment_state", table_name="sheets")
