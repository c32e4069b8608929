"""Score sheets: versions, lines, deductions and photos that cannot be changed, reviews, the late tray."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007_scoring"
down_revision = "0006_sampling"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
SCORE = sa.Numeric(20, 10)
DEGREES = sa.Numeric(10, 7)
APPEND_ONLY = ("sheet_versions", "score_lines", "deductions", "line_photos", "sheet_reviews")


def ENUM(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "sheets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("site_type_code", sa.Text(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            ENUM("assigned", "draft", "submitted", "accepted", "returned", name="sheet_state"),
            nullable=False,
        ),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("current_version_id", sa.Uuid()),
        sa.Column("accepted_version_id", sa.Uuid()),
        sa.Column("evidence", ENUM("complete", "awaiting", "failed", name="evidence"), nullable=False),
        sa.Column("assigned_by", sa.Uuid()),
        sa.Column("submitted_at", TIME),
        sa.Column("reviewed_at", TIME),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(version_no = 0) = (state IN ('assigned', 'draft'))", name="ck_sheets_state_has_version"),
        sa.CheckConstraint(
            "state <> 'accepted' OR accepted_version_id = current_version_id",
            name="ck_sheets_accepted_version",
        ),
        sa.CheckConstraint("(version_no = 0) = (current_version_id IS NULL)", name="ck_sheets_current_version"),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessments.id"], name="fk_sheets_assessment_id"),
        sa.ForeignKeyConstraint(["assigned_by"], ["users.id"], name="fk_sheets_assigned_by"),
        sa.ForeignKeyConstraint(["draw_id"], ["draws.id"], name="fk_sheets_draw_id"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_sheets_owner_id"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_sheets_site_id"),
        sa.ForeignKeyConstraint(["site_type_code"], ["site_types.code"], name="fk_sheets_site_type_code"),
        sa.PrimaryKeyConstraint("id", name="pk_sheets"),
        sa.UniqueConstraint("draw_id", "site_id", "owner_id", name="uq_sheets_draw_id_site_id_owner_id"),
    )
    op.create_index("ix_sheets_assessment_region", "sheets", ["assessment_id", "region_path", "id"])
    op.create_index("ix_sheets_assessment_submitted", "sheets", ["assessment_id", "submitted_at", "id"])
    op.create_index("ix_sheets_awaiting", "sheets", ["id"], postgresql_where=sa.text("evidence = 'awaiting'"))
    op.create_index("ix_sheets_owner", "sheets", ["owner_id", "assessment_id", "id"])
    op.create_index("ix_sheets_site", "sheets", ["site_id"])
    op.create_table(
        "sheet_drafts",
        sa.Column("sheet_id", sa.Uuid(), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("saved_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["sheet_id"], ["sheets.id"], name="fk_sheet_drafts_sheet_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sheet_id", name="pk_sheet_drafts"),
    )
    op.create_table(
        "sheet_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sheet_id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("kind", ENUM("first", "resubmitted", "corrected", name="version_kind"), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("replaces_id", sa.Uuid()),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("captured_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("longitude", DEGREES),
        sa.Column("latitude", DEGREES),
        sa.Column("crs", ENUM("wgs84", "cgcs2000", "gcj02", "bd09", name="crs"), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("achieved", SCORE, nullable=False),
        sa.Column("max_score", SCORE, nullable=False),
        sa.Column("vetoed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("(kind = 'corrected') <= (reason IS NOT NULL)", name="ck_sheet_versions_correction_reason"),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="ck_sheet_versions_both_coordinates"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_sheet_versions_author_id"),
        sa.ForeignKeyConstraint(["sheet_id"], ["sheets.id"], name="fk_sheet_versions_sheet_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sheet_versions"),
        sa.UniqueConstraint("id", "sheet_id", "assessment_id", name="uq_sheet_versions_id_sheet_id_assessment_id"),
        sa.UniqueConstraint("sheet_id", "no", name="uq_sheet_versions_sheet_id_no"),
    )
    op.create_table(
        "score_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sheet_version_id", sa.Uuid(), nullable=False),
        sa.Column("sheet_id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("standard_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", ENUM("scored", "not_applicable", "veto", name="outcome"), nullable=False),
        sa.Column("entry", JSONB(), nullable=False),
        sa.Column("achieved", SCORE),
        sa.Column("max_score", SCORE, nullable=False),
        sa.Column("note", sa.Text()),
        sa.CheckConstraint("(outcome = 'not_applicable') = (achieved IS NULL)", name="ck_score_lines_achieved"),
        sa.ForeignKeyConstraint(
            ["sheet_version_id", "sheet_id", "assessment_id"],
            ["sheet_versions.id", "sheet_versions.sheet_id", "sheet_versions.assessment_id"],
            name="fk_score_lines_version",
        ),
        sa.ForeignKeyConstraint(["standard_id"], ["standards.id"], name="fk_score_lines_standard_id"),
        sa.PrimaryKeyConstraint("id", name="pk_score_lines"),
        sa.UniqueConstraint("sheet_version_id", "standard_id", name="uq_score_lines_sheet_version_id_standard_id"),
    )
    op.create_index("ix_score_lines_assessment_standard", "score_lines", ["assessment_id", "standard_id"])
    op.create_table(
        "deductions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("points", SCORE, nullable=False),
        sa.Column("reason_code", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.CheckConstraint("points > 0", name="ck_deductions_points"),
        sa.ForeignKeyConstraint(["line_id"], ["score_lines.id"], name="fk_deductions_line_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deductions"),
        sa.UniqueConstraint("line_id", "no", name="uq_deductions_line_id_no"),
    )
    op.create_table(
        "line_photos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("deduction_no", sa.Integer()),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", TIME),
        sa.Column("longitude", DEGREES),
        sa.Column("latitude", DEGREES),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="ck_line_photos_both_coordinates"),
        sa.ForeignKeyConstraint(["line_id"], ["score_lines.id"], name="fk_line_photos_line_id"),
        sa.PrimaryKeyConstraint("id", name="pk_line_photos"),
        sa.UniqueConstraint("line_id", "no", name="uq_line_photos_line_id_no"),
    )
    op.create_index("ix_line_photos_file", "line_photos", ["file_id"])
    op.create_table(
        "sheet_reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sheet_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", ENUM("accepted", "returned", name="verdict"), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.CheckConstraint("(verdict = 'returned') <= (reason IS NOT NULL)", name="ck_sheet_reviews_return_reason"),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name="fk_sheet_reviews_reviewer_id"),
        sa.ForeignKeyConstraint(["sheet_id"], ["sheets.id"], name="fk_sheet_reviews_sheet_id"),
        sa.ForeignKeyConstraint(["version_id"], ["sheet_versions.id"], name="fk_sheet_reviews_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sheet_reviews"),
        sa.UniqueConstraint("version_id", name="uq_sheet_reviews_version_id"),
    )
    op.create_index("ix_sheet_reviews_sheet", "sheet_reviews", ["sheet_id"])
    op.create_table(
        "late_submissions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("sheet_id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("state", ENUM("waiting", "admitted", "rejected", name="late_state"), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("captured_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("decided_at", TIME),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'waiting') = (decided_by IS NULL)", name="ck_late_submissions_decided_by"),
        sa.CheckConstraint("(state = 'waiting') = (reason IS NULL)", name="ck_late_submissions_decision_reason"),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessments.id"], name="fk_late_submissions_assessment_id"),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name="fk_late_submissions_decided_by"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_late_submissions_owner_id"),
        sa.ForeignKeyConstraint(["sheet_id"], ["sheets.id"], name="fk_late_submissions_sheet_id"),
        sa.PrimaryKeyConstraint("id", name="pk_late_submissions"),
    )
    op.create_index("ix_late_submissions_sheet", "late_submissions", ["sheet_id"])
    op.create_index("ix_late_submissions_tray", "late_submissions", ["assessment_id", "state", "received_at"])
    for column in ("current_version_id", "accepted_version_id"):
        op.create_foreign_key(f"fk_sheets_{column}", "sheets", "sheet_versions", [column], ["id"])
    op.execute("""
        CREATE FUNCTION refuse_change_of_submitted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END $$
    """)
    for table in APPEND_ONLY:
        op.execute(f"""
            CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_submitted()
        """)

        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM wenming_app")


def downgrade() -> None:
    for column in ("accepted_version_id", "current_version_id"):
        op.drop_constraint(f"fk_sheets_{column}", "sheets", type_="foreignkey")
    for table in (
        "late_submissions",
        "sheet_reviews",
        "line_photos",
        "deductions",
        "score_lines",
        "sheet_versions",
        "sheet_drafts",
        "sheets",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change_of_submitted()")
