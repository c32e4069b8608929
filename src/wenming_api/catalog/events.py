"""Every event, in alphabetical order: what has happened, by ids."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from wenming_api.kit.events import Event


@dataclass(frozen=True, slots=True)
class FileSettled(Event):
    """An uploaded file has been examined: it is ready, or in quarantine."""

    name: ClassVar[str] = "system.files.settled"

    file_id: UUID
    ready: bool


@dataclass(frozen=True, slots=True)
class ResultPublished(Event):
    """The result of an assessment has been published."""

    name: ClassVar[str] = "city.results.published"

    assessment_id: UUID


@dataclass(frozen=True, slots=True)
class SubmissionAccepted(Event):
    """A submission of a record's version passed the last step of its review."""

    name: ClassVar[str] = "ledgers.submissions.accepted"

    submission_id: UUID
    record_id: UUID
    record_unit_id: UUID
    receiver_unit_id: UUID


@dataclass(frozen=True, slots=True)
class SubmissionArchived(Event):
    """An accepted submission has been archived, by itself."""

    name: ClassVar[str] = "ledgers.submissions.archived"

    submission_id: UUID
    record_id: UUID


@dataclass(frozen=True, slots=True)
class SubmissionReturned(Event):
    """A submission came back, to be sent again with a newer version."""

    name: ClassVar[str] = "ledgers.submissions.returned"

    submission_id: UUID
    record_id: UUID
    record_unit_id: UUID
    receiver_unit_id: UUID


@dataclass(frozen=True, slots=True)
class TopicArchived(Event):
    """A topic has been archived, and with it all that was accepted for it."""

    name: ClassVar[str] = "ledgers.topics.archived"

    topic_id: UUID
