"""No sequence of actions leads out of the table: an independent model against the rules, and against the service."""

import random

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories.submissions import add_approved_version
from tests.ledgers.submissions.conftest import REASON, URL, act, read
from tests.ledgers.submissions.conftest import World as Desks
from tests.ledgers.submissions.model import ACTIONS, AUTHOR, LEGAL, PEOPLE, UNITS, Life, Person, World

from wenming_api.kit.db import Database
from wenming_api.ledgers.submissions.rules import (
    OPEN,
    STEPS,
    Situation,
    SubmissionAction,
    SubmissionState,
    legal_actions,
    resolves,
    why_not,
)

SEQUENCES = 100_000


def judged(world: World, person: Person, action: SubmissionAction, life: Life) -> str | None:
    """What the product's rules say, from what a service would read."""
    state = SubmissionState(life.state)
    own = person in {AUTHOR, life.sent_by}
    turn = person.unit == life.receiver and state in OPEN and not own
    return why_not(
        action,
        Situation(
            state=state,
            may_send=True,
            may_review=True,
            in_sender=person.unit == life.sender,
            in_receiver=person.unit == life.receiver,
            is_author=own,
            may_decide=turn,
            decide_why_not=None if turn else "尚未轮到您审核",
            newer_approved=world.approved > life.version_no,
        ),
    )


def play(random_: random.Random, steps: int) -> int:
    """One sequence of what many people try; how many steps were possible."""
    world, taken = World(), 0
    for _ in range(steps):
        if not world.lives or random_.random() < 0.15:
            receiver = random_.choice(UNITS[1:])
            if world.takes(receiver):
                world.send(Person("unit", random_.choice(("clerk", "reviewer"))), receiver)
            else:
                world.approved += 1
            continue
        life = random_.choice(world.lives)
        # Half of what is tried comes from the two units that are concerned.
        near = [each for each in PEOPLE if each.unit in {life.sender, life.receiver}]
        person = random_.choice(near if random_.random() < 0.8 else PEOPLE)
        action = random_.choice(tuple(SubmissionAction))
        refused = judged(world, person, action, life)
        assert (refused is None) == world.expected(person, action, life), (person, action, life, refused)
        if refused is not None:
            assert refused
            continue
        taken += 1
        if action is SubmissionAction.RECOMMEND:
            above = UNITS[UNITS.index(life.receiver) + 1 :]
            if above and world.takes(above[0]):
                world.send(person, above[0], parent=life)
            continue
        target = STEPS[action].target
        assert target is not None
        world.perform(person, action.value, life)
        assert life.state == target
    for life in world.lives:
        assert set(zip(life.history, life.history[1:], strict=False)) <= LEGAL
        assert life.history.count("returned") >= life.round - 1
        assert life.parent is None or life.parent.state in {"accepted", "archived"}
    return taken


@settings(max_examples=200)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 60))
def test_no_sequence_leaves_the_table(seed: int, steps: int) -> None:
    play(random.Random(seed), steps)


@pytest.mark.long
def test_a_hundred_thousand_sequences() -> None:
    random_ = random.Random(20261122)
    taken = sum(play(random_, random_.randint(5, 40)) for _ in range(SEQUENCES))
    assert taken > SEQUENCES, "the sequences hardly did anything"


def test_the_table_is_the_specification() -> None:
    steps = {(source.value, step.target.value) for step in STEPS.values() if step.target for source in step.sources}
    assert steps == LEGAL
    assert legal_actions(SubmissionState.WITHDRAWN) == []
    assert legal_actions(SubmissionState.ARCHIVED) == ["recommend"]


@given(
    content=st.recursive(
        st.none() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    )
)
def test_pointers_to_all_there_is_resolve(content: object) -> None:
    def walk(here: object, path: str) -> None:
        if path:
            assert resolves(path, content)
        if isinstance(here, dict):
            for name, value in here.items():
                walk(value, f"{path}/{name.replace('~', '~0').replace('/', '~1')}")
            assert not resolves(f"{path}/nothing there", content)
        if isinstance(here, list):
            for index, value in enumerate(here):
                walk(value, f"{path}/{index}")
            for wrong in (str(len(here)), "-", "01", "x", ""):
                assert not resolves(f"{path}/{wrong}", content)

    walk(content, "")
    assert not resolves("", content)
    assert not resolves("text", content)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_service_agrees_with_the_model(world: Desks, database: Database, seed: int) -> None:
    """At each step state and allowed actions are the model's: what is allowed succeeds, what is not is refused."""
    random_ = random.Random(seed)
    model, ids = World(), {}

    def client_of(person: Person) -> httpx.AsyncClient:
        desk = world[person.unit]
        return desk.clerk if person.name == "clerk" else desk.reviewer

    for _ in range(25):
        if not model.lives or random_.random() < 0.2:
            receiver = random_.choice(UNITS[1:])
            person = Person("unit", random_.choice(("clerk", "reviewer")))
            answer = await client_of(person).post(
                URL,
                json={
                    "record_id": str(world.record.id),
                    "destinations": [{"receiver_unit_id": str(world[receiver].post.unit.id)}],
                },
            )
            if model.takes(receiver):
                assert answer.status_code == 201, answer.text
                life = model.send(person, receiver)
                ids[id(life)] = answer.json()["items"][0]["id"]
            else:
                assert (answer.status_code, answer.json()["code"]) == (409, "already_sent")
                async with database.transaction() as session:
                    await add_approved_version(session, await session.merge(world.record))
                model.approved += 1
            continue
        life = random_.choice(model.lives)
        near = [each for each in PEOPLE if each.unit in {life.sender, life.receiver}]
        person = random_.choice(near)
        client = client_of(person)
        shown = {"id": ids[id(life)]}
        detail = await read(client, shown)
        assert (detail["state"], detail["round"], detail["version_no"]) == (life.state, life.round, life.version_no)
        said = {each["action"]: each["allowed"] for each in detail["allowed_actions"]}
        assert said == {action: model.expected(person, action, life) for action in (*ACTIONS, "recommend")}, (
            person,
            life,
        )
        action = random_.choice(ACTIONS)
        body = {"reason": REASON} if action in {"return", "withdraw"} else {}
        answer = await act(client, detail, action, **body)
        if model.expected(person, action, life):
            assert answer.status_code == 200, (action, answer.text)
            model.perform(person, action, life)
            assert answer.json()["state"] == life.state
        else:
            assert answer.status_code in {403, 409}, (action, answer.text)
            assert (await read(client, shown))["version"] == detail["version"]
