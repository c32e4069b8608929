"""What the life of submissions ought to be, told independently of the product: many people, several destinations.

A `World` holds one record with its approved versions and the submissions made of it. `expected` says, from the words of
the specification alone, whether a person may take an action; `perform` takes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

UNITS = ("unit", "community", "street", "county", "city")
ACTIONS = ("receive", "accept", "return", "archive", "withdraw", "resubmit")
LEGAL = {
    ("submitted", "received"),
    ("submitted", "withdrawn"),
    ("received", "accepted"),
    ("received", "returned"),
    ("returned", "submitted"),
    ("accepted", "archived"),
}
"""Every step that there is, `recommend` apart, which changes nothing of what it starts from."""


@dataclass(frozen=True)
class Person:
    """Somebody of a unit."""

    unit: str
    name: str


PEOPLE = tuple(Person(unit, name) for unit in UNITS for name in ("clerk", "reviewer"))
AUTHOR = Person("unit", "clerk")


@dataclass
class Life:
    """One submission."""

    sender: str
    receiver: str
    sent_by: Person
    version_no: int
    state: str = "submitted"
    round: int = 1
    level: int = 1
    parent: "Life | None" = None
    history: list[str] = field(default_factory=lambda: ["submitted"])

    def move(self, state: str) -> None:
        """Go on to a state."""
        assert (self.state, state) in LEGAL, f"{self.state} → {state}"
        self.state = state
        self.history.append(state)


@dataclass
class World:
    """A record of `unit` and where it went."""

    approved: int = 1
    lives: list[Life] = field(default_factory=list)

    def takes(self, receiver: str) -> bool:
        """Whether there is nothing of the record at a receiver but what was withdrawn."""
        return all(life.receiver != receiver or life.state == "withdrawn" for life in self.lives)

    def send(self, person: Person, receiver: str, parent: Life | None = None) -> Life:
        """Send the record, or recommend what was accepted."""
        version_no = parent.version_no if parent else self.approved
        made = Life(person.unit, receiver, person, version_no, level=parent.level + 1 if parent else 1, parent=parent)
        self.lives.append(made)
        return made

    def expected(self, person: Person, action: str, life: Life) -> bool:
        """Whether the specification lets a person take an action."""
        sends, receives = person.unit == life.sender, person.unit == life.receiver
        own = person in {AUTHOR, life.sent_by}
        return {
            "receive": receives and life.state == "submitted",
            "accept": receives and life.state == "received" and not own,
            "return": receives and life.state == "received" and not own,
            "archive": receives and life.state == "accepted",
            "recommend": receives and life.state in {"accepted", "archived"},
            "withdraw": sends and life.state == "submitted",
            "resubmit": sends and life.state == "returned" and self.approved > life.version_no,
        }[action]

    def perform(self, person: Person, action: str, life: Life) -> None:
        """Take an action that may be taken."""
        others = [(other, other.state, other.round, other.version_no) for other in self.lives if other is not life]
        target = {
            "receive": "received",
            "accept": "accepted",
            "return": "returned",
            "archive": "archived",
            "withdraw": "withdrawn",
            "resubmit": "submitted",
        }[action]
        life.move(target)
        if action == "resubmit":
            life.round += 1
            life.version_no = self.approved
            life.sent_by = person
        assert others == [
            (other, other.state, other.round, other.version_no) for other in self.lives if other is not life
        ]

    def choices(self) -> Iterator[tuple[Person, str, Life]]:
        """Everything that somebody might try."""
        for life in self.lives:
            for person in PEOPLE:
                for action in (*ACTIONS, "recommend"):
                    yield person, action, life
