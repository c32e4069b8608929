"""Applying an author's submissions to his sheets: exactly once, in any order. Pure.

What the database holds is handed in as `Locked` sheets and what is known of ids and photos; `Intake.apply` moves the
sheets on in memory and collects the versions to insert.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from wenming_api.city.forms.rules import Form, InvalidSubmission, Judgement, fingerprint, judge
from wenming_api.city.scoring.rules import (
    NEEDS_REASON,
    Evidence,
    SheetAction,
    SheetState,
    Situation,
    VersionKind,
    is_own_unit,
    legal_actions,
    sending_action,
    version_kind,
    why_not,
)
from wenming_api.kit.problems import Conflict, FieldError, IllegalTransition, InvalidInput, NotFound, Problem

CLOCK_TOLERANCE: Final = timedelta(minutes=10)
"""How far a device's clock may be ahead of the server's."""

EARLIEST_CAPTURE: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""What was captured before was captured by a device that does not know the date."""


class SheetMoved(Conflict):
    """Another version has become current since; `current_version_id` names it."""

    code = "submission_outdated"
    title = "测评表已有更新的版本"


class PredecessorMissing(Conflict):
    """The version that a submission replaces has not arrived; send it first, then this one again."""

    code = "predecessor_missing"
    title = "所依据的版本尚未到达"


class SubmissionIdReused(Conflict):
    """The id was used for a submission with other contents, or by somebody else."""

    code = "submission_id_reused"
    title = "提交编号已用于其他内容"


@dataclass(frozen=True, slots=True)
class Author:
    """Whose submissions are applied."""

    user_id: UUID
    unit_path: str | None


@dataclass(frozen=True, slots=True)
class Given:
    """A submission for one sheet, as `SubmissionIn.model_dump(exclude_none=True)`, and when the server received it."""

    sheet_id: UUID
    submission: Mapping[str, Any]
    received_at: datetime

    @property
    def id(self) -> UUID:
        """The submission's id."""
        id_: UUID = self.submission["id"]
        return id_

    @property
    def replaces(self) -> UUID | None:
        """The version that it was made from."""
        return self.submission.get("replaces")

    def file_ids(self) -> Iterator[UUID]:
        """The photos that it names."""
        for line in self.submission["lines"]:
            yield from (photo["file_id"] for photo in line.get("photos") or ())
            for deduction in line["entry"].get("deductions") or ():
                yield from (photo["file_id"] for photo in deduction.get("photos") or ())

    def fingerprint(self) -> str:
        """Equal for equal submissions to the same sheet."""
        return fingerprint({**self.submission, "sheet_id": self.sheet_id})


@dataclass(slots=True)
class Locked:
    """A sheet under lock; it moves on in memory as submissions apply."""

    id: UUID
    assessment_id: UUID
    site_type_code: str
    region_path: str
    unit_path: str | None
    state: SheetState
    version_no: int
    current_version_id: UUID | None
    version: int
    evidence: Evidence
    entry_open: bool
    in_force: bool


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """A file that has arrived. `usable` is None while it is still being looked at."""

    owner_id: UUID
    is_photo: bool
    usable: bool | None


@dataclass(frozen=True, slots=True)
class Version:
    """A recorded version, or one about to be."""

    id: UUID
    sheet_id: UUID
    no: int
    kind: VersionKind
    fingerprint: str
    received_at: datetime
    achieved: Decimal
    max_score: Decimal
    vetoed: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """A submission stands as a version of its sheet; `repeated`: it did so before."""

    version: Version
    repeated: bool
    state: SheetState
    sheet_version: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Frozen:
    """A submission that is right in itself but came while entry was frozen."""

    given: Given
    fingerprint: str
    region_path: str


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to insert, from which submission, and what its sheet was before."""

    version: Version
    given: Given
    action: SheetAction
    before: SheetState
    judgement: Judgement


Outcome = Recorded | Frozen | Problem


def check_clock(captured_at: datetime, received_at: datetime) -> None:
    """That a device's clock can have been right: not ahead of the time of receipt, not from before the system.

    Raises:
        InvalidSubmission: the clock is wrong; nothing is lost, the device keeps the submission and sends it again.
    """
    if captured_at > received_at + CLOCK_TOLERANCE:
        wrong = "现场完成时间晚于服务器时间，请校准设备时间后重新提交"
    elif captured_at < EARLIEST_CAPTURE:
        wrong = f"现场完成时间早于 {EARLIEST_CAPTURE.year} 年，请校准设备时间后重新提交"
    else:
        return
    raise InvalidSubmission([FieldError("/captured_at", wrong)])


def in_order(given: Sequence[Given]) -> list[int]:
    """Places in the order to apply: as captured, but each after the one of the batch that it replaces."""
    waiting: dict[UUID, list[int]] = {}
    ids = {each.id for each in given}
    ready: deque[int] = deque()
    for place in sorted(range(len(given)), key=lambda at: (given[at].submission["captured_at"], given[at].id)):
        replaces = given[place].replaces
        if replaces is not None and replaces in ids and replaces != given[place].id:
            waiting.setdefault(replaces, []).append(place)
        else:
            ready.append(place)
    ordered = []
    while ready:
        place = ready.popleft()
        ordered.append(place)
        ready.extend(waiting.pop(given[place].id, ()))
    # Those that replace each other in a circle never become ready; they are judged all the same, and refused.
    return [*ordered, *sorted(place for places in waiting.values() for place in places)]


@dataclass(slots=True)
class Intake:
    """One author's submissions and all that decides about them."""

    author: Author
    sheets: Mapping[UUID, Locked]
    forms: Mapping[str, Form]
    known: dict[UUID, Version]
    """Versions that stand already, by id."""
    photos: Mapping[UUID, KnownPhoto]
    only: SheetAction | None
    """The one action that is wanted; None takes whichever the state has."""
    new: list[NewVersion]

    def apply(self, given: Given) -> Outcome:
        """The outcome of one submission; a good one moves its sheet on in memory."""
        sheet = self.sheets.get(given.sheet_id)
        if sheet is None:
            return NotFound("没有这张测评表，或它不是分配给您的。")
        print_ = given.fingerprint()
        known = self.known.get(given.id)
        if known is not None:
            if known.sheet_id != sheet.id or known.fingerprint != print_:
                return SubmissionIdReused("该提交编号已用于另一份内容；请为新的提交生成新的编号。")
            return Recorded(known, True, sheet.state, sheet.version, sheet.evidence)
        try:
            check_clock(given.submission["captured_at"], given.received_at)
            judgement = judge(self.forms[sheet.site_type_code], given.submission["lines"])
            evidence = self._evidence_of(judgement)
        except InvalidSubmission as wrong:
            return InvalidInput(errors=wrong.errors)
        if not sheet.entry_open:
            return Frozen(given, print_, sheet.region_path)
        refusal = self._refusal(sheet, given)
        if refusal is not None:
            return refusal
        return self._accept(sheet, given, judgement, evidence, print_)

    def _refusal(self, sheet: Locked, given: Given) -> Problem | None:
        if given.replaces != sheet.current_version_id:
            if given.replaces is not None and given.replaces not in self.known:
                return PredecessorMissing("所更正的上一版本尚未到达，请先提交上一版本，再重发本次提交。")
            current = None if sheet.current_version_id is None else str(sheet.current_version_id)
            return SheetMoved("该测评表已有更新的版本，请刷新后在最新版本上修改。", current_version_id=current)
        action = self.only or sending_action(sheet.state)
        now = Situation(
            state=sheet.state,
            is_author=True,
            own_unit=is_own_unit(self.author.unit_path, sheet.unit_path),
            entry_open=sheet.entry_open,
            review_open=False,
            in_force=sheet.in_force,
            may_submit=True,
        )
        reason = why_not(action, now)
        if reason is not None:
            return IllegalTransition(reason, allowed=[str(each) for each in legal_actions(sheet.state)])
        if action in NEEDS_REASON and not given.submission.get("reason"):
            return InvalidInput(errors=[FieldError("/reason", "更正已提交的测评表须填写原因")])
        return None

    def _evidence_of(self, judgement: Judgement) -> Evidence:
        """Whether all photos can be shown; raises `InvalidSubmission` for those that never will be."""
        errors = []
        complete = True
        for shown in (shown for line in judgement.lines for shown in line.photos):
            photo = self.photos.get(shown.file_id)
            if photo is None:
                complete = False
            elif photo.owner_id != self.author.user_id or not photo.is_photo:
                errors.append(FieldError("/lines", f"{shown.file_id} 不是您上传的照片"))
            elif photo.usable is False:
                errors.append(FieldError("/lines", f"照片 {shown.file_id} 未通过检查，请重新拍摄或上传"))
            else:
                complete = complete and photo.usable is True
        if errors:
            raise InvalidSubmission(errors)
        return Evidence.COMPLETE if complete else Evidence.AWAITING

    def _accept(self, sheet: Locked, given: Given, judgement: Judgement, evidence: Evidence, print_: str) -> Recorded:
        version = Version(
            id=given.id,
            sheet_id=sheet.id,
            no=sheet.version_no + 1,
            kind=version_kind(sheet.state),
            fingerprint=print_,
            received_at=given.received_at,
            achieved=judgement.achieved,
            max_score=judgement.max_score,
            vetoed=judgement.vetoed,
        )
        self.new.append(NewVersion(version, given, sending_action(sheet.state), sheet.state, judgement))
        self.known[version.id] = version
        sheet.state = SheetState.SUBMITTED
        sheet.version_no += 1
        sheet.version += 1
        sheet.current_version_id = version.id
        sheet.evidence = evidence
        return Recorded(version, False, sheet.state, sheet.version, evidence)
