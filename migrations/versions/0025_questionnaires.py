"""Questionnaires: versions, questions, strata, links, answers that cannot be changed, scores; totals they compute."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0025_questionnaires"
down_revision = "0024_screenings"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
SCORE = sa.Numeric(20, 10)
APPEND_ONLY = ("survey_answers", "survey_answer_lines")
SOURCES = (
    ("assessment_methods", "ck_assessment_methods_method_source", ("field", "entered")),
    ("method_scores", "ck_method_scores_score_source", ("entered", "imported")),
)


def choice(table: str, column: str, name: str, *values: str) -> list[sa.schema.SchemaItem]:
    listed = ", ".join(f"'{value}'" for value in values)
    return [
        sa.Column(column, sa.String(40), nullable=False),
        sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{name}")),
    ]


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def reference(table: str, column: str, target: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def once(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def stamps(*, version: bool = True) -> list[sa.Column[object]]:
    made = [sa.Column("created_at", TIME, nullable=False), sa.Column("updated_at", TIME, nullable=False)]
    return [*made, sa.Column("version", sa.Integer(), nullable=False)] if version else made


def _sources(table: str, constraint: str, values: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{value}'" for value in values)
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK (source IN ({listed}))")


def upgrade() -> None:
    for table, constraint, values in SOURCES:
        _sources(table, constraint, (*values, "questionnaire"))
    op.add_column("method_scores", sa.Column("exact", sa.Text()))
    op.create_check_constraint(
        op.f("ck_method_scores_exact"), "method_scores", "(source = 'questionnaire') = (exact IS NOT NULL)"
    )
    name = "questionnaires"
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("introduction", sa.Text()),
        *choice(name, "state", "questionnaire_state", "draft", "published", "closed"),
        sa.Column("method_code", sa.Text()),
        sa.Column("opens_at", TIME),
        sa.Column("closes_at", TIME),
        sa.Column("per_device", sa.Integer(), nullable=False),
        sa.Column("per_address", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("print_key", sa.LargeBinary()),
        sa.Column("revises_id", sa.Uuid()),
        sa.Column("created_by", sa.Uuid()),
        sa.Column("published_at", TIME),
        sa.Column("closed_at", TIME),
        *stamps(),
        check(name, "no", "no > 0"),
        check(name, "window", "opens_at < closes_at"),
        check(name, "repeats", "per_device > 0 AND per_address > 0"),
        check(name, "published", "(state = 'draft') = (published_at IS NULL)"),
        check(name, "closed", "(state = 'closed') = (closed_at IS NOT NULL)"),
        check(name, "counted", "state = 'closed' OR counted"),
        reference(name, "assessment_id", "assessments"),
        reference(name, "revises_id", "questionnaires", "SET NULL"),
        reference(name, "created_by", "users"),
        key(name, "id"),
        once(name, "assessment_id", "code", "no"),
    )
    op.create_index(
        "uq_questionnaires_published",
        name,
        ["assessment_id", "code"],
        unique=True,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_index(op.f("ix_questionnaires_revises_id"), name, ["revises_id"])
    name = "questionnaire_questions"
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("questionnaire_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        *choice(name, "kind", "question_kind", "single", "multiple", "scale", "text"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("screening", sa.Boolean(), nullable=False),
        sa.Column("standard_id", sa.Uuid()),
        sa.Column("max_score", SCORE),
        sa.Column("options", JSONB(), nullable=False),
        sa.Column("max_choices", sa.Integer()),
        sa.Column("low", sa.Integer()),
        sa.Column("high", sa.Integer()),
        sa.Column("low_label", sa.Text()),
        sa.Column("high_label", sa.Text()),
        sa.Column("show_if", JSONB()),
        check(name, "scored", "(standard_id IS NULL) = (max_score IS NULL)"),
        check(name, "max_score", "max_score > 0"),
        check(name, "scale", "low < high"),
        reference(name, "questionnaire_id", "questionnaires", "CASCADE"),
        reference(name, "standard_id", "standards"),
        key(name, "id"),
        once(name, "questionnaire_id", "code"),
        once(name, "questionnaire_id", "position"),
    )
    op.create_index(op.f("ix_questionnaire_questions_standard_id"), name, ["standard_id"])
    name = "survey_strata"
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("questionnaire_id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quota", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *stamps(),
        check(name, "quota", "quota > 0"),
        check(name, "taken", "taken >= 0 AND taken <= quota"),
        reference(name, "questionnaire_id", "questionnaires", "CASCADE"),
        reference(name, "assessment_id", "assessments"),
        reference(name, "region_id", "regions"),
        key(name, "id"),
        once(name, "questionnaire_id", "code"),
    )
    op.create_index(op.f("ix_survey_strata_assessment_id"), name, ["assessment_id"])
    op.create_index(op.f("ix_survey_strata_region_id"), name, ["region_id"])
    op.create_index("ix_survey_strata_region_path", name, ["questionnaire_id", "region_path"])
    name = "survey_prints"
    op.create_table(
        name,
        sa.Column("questionnaire_id", sa.Uuid(), nullable=False),
        sa.Column("print", sa.LargeBinary(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        check(name, "answers", "answers > 0"),
        reference(name, "questionnaire_id", "questionnaires", "CASCADE"),
        key(name, "questionnaire_id", "print"),
    )
    name = "survey_link_batches"
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("questionnaire_id", sa.Uuid(), nullable=False),
        sa.Column("links", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        *stamps(),
        check(name, "links", "links > 0"),
        reference(name, "questionnaire_id", "questionnaires", "CASCADE"),
        reference(name, "created_by", "users"),
        key(name, "id"),
    )
    op.create_index(op.f("ix_survey_link_batches_questionnaire_id"), name, ["questionnaire_id"])
    name = "survey_links"
    op.create_table(
        name,
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("stratum_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("spent", sa.Boolean(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("receipt", sa.LargeBinary()),
        check(name, "receipt", "spent = (receipt IS NOT NULL)"),
        check(name, "one_end", "NOT (spent AND revoked)"),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["survey_link_batches.id"], name=op.f("fk_survey_links_batch_id"), ondelete="CASCADE"
        ),
        reference(name, "stratum_id", "survey_strata"),
        key(name, "batch_id", "no"),
        once(name, "token_hash"),
    )
    op.create_index("ix_survey_links_stratum", name, ["stratum_id"])
    name = "survey_answers"
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("questionnaire_id", sa.Uuid(), nullable=False),
        sa.Column("stratum_id", sa.Uuid(), nullable=False),
        *choice(name, "source", "answer_source", "link", "assessor", "import"),
        *choice(name, "outcome", "answer_outcome", "counted", "screened_out"),
        sa.Column("number", sa.Text()),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("captured_at", TIME),
        sa.Column("received_at", TIME, nullable=False),
        check(name, "owner", "(source = 'link') = (owner_id IS NULL)"),
        check(name, "number", "(source = 'import') = (number IS NOT NULL)"),
        reference(name, "questionnaire_id", "questionnaires"),
        reference(name, "stratum_id", "survey_strata"),
        key(name, "id"),
    )
    op.create_index(op.f("ix_survey_answers_owner_id"), name, ["owner_id"])
    op.create_index("ix_survey_answers_received", name, ["questionnaire_id", "received_at", "id"])
    op.create_index("ix_survey_answers_stratum", name, ["stratum_id", "id"])
    op.create_index(
        "uq_survey_answers_number",
        name,
        ["questionnaire_id", "number"],
        unique=True,
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    name = "survey_answer_lines"
    op.create_table(
        name,
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("choices", ARRAY(sa.Text()), nullable=False),
        sa.Column("number", sa.Integer()),
        sa.Column("text", sa.Text()),
        reference(name, "answer_id", "survey_answers"),
        reference(name, "question_id", "questionnaire_questions"),
        key(name, "answer_id", "question_id"),
    )
    op.create_index("ix_survey_answer_lines_question", name, ["question_id"])
    name = "survey_scores"
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("method_code", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("standard_id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("score", SCORE, nullable=False),
        sa.Column("exact", sa.Text(), nullable=False),
        sa.Column("respondents", sa.Integer(), nullable=False),
        *stamps(version=False),
        check(name, "score", "score >= 0 AND score <= 100"),
        check(name, "respondents", "respondents > 0"),
        reference(name, "assessment_id", "assessments"),
        reference(name, "region_id", "regions"),
        reference(name, "standard_id", "standards"),
        key(name, "id"),
        once(name, "assessment_id", "method_code", "region_id", "standard_id"),
    )
    for column in ("region_id", "region_path", "standard_id"):
        op.create_index(op.f(f"ix_survey_scores_{column}"), name, [column])
    for table in APPEND_ONLY:
        op.execute(f"""
            CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_submitted()
        """)
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM wenming_app")


def downgrade() -> None:
    for table in (
        "survey_scores",
        "survey_answer_lines",
        "survey_answers",
        "survey_links",
        "survey_link_batches",
        "survey_prints",
        "survey_strata",
        "questionnaire_questions",
        "questionnaires",
    ):
        op.drop_table(table)
    op.execute("DELETE FROM method_scores WHERE source = 'questionnaire'")
    op.execute("UPDATE assessment_methods SET source = 'entered' WHERE source = 'questionnaire'")
    op.drop_column("method_scores", "exact")
    for table, constraint, values in SOURCES:
        _sources(table, constraint, values)
