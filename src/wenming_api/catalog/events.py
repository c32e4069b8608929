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
