"""Random sequences of acts on real approvals, against a model that knows only the table."""

import random

import pytest
from sqlalchemy import select
from tests.factories.approvals import make_flow, make_offices, make_stand_in, principal, subject_of

from wenming_api.kit.problems import Problem
from wenming_api.workflow.approval_flows.rules import Place
from wenming_api.workflow.approvals.models import Approval, ApprovalTurn
from wenming_api.workflow.approvals.queries import standings
from wenming_api.workflow.approvals.rules import TRANSITIONS, ApprovalState, Decision
from wenming_api.workflow.approvals.service import cancel, decide, start

STEPS = (Place.OWN, Place.STREET, Place.COUNTY)
ACTS = 60


async def picture(database, approval_id):
    """All that is kept of an approval."""
    async with database.read() as session:
        approval = (await session.execute(select(*Approval.__table__.columns).where(Approval.id == approval_id))).one()
        turns = await session.execute(
            select(*ApprovalTurn.__table__.columns)
            .where(ApprovalTurn.approval_id == approval_id)
            .order_by(ApprovalTurn.position)
        )
        return approval, turns.all()


@pytest.mark.parametrize("seed", range(4))
async def test_no_sequence_leaves_the_table(database, seed):
    chance = random.Random(seed)
    async with database.transaction() as session:
        offices = await make_offices(session)
        await make_flow(session, STEPS)
        if seed % 2:
            await make_stand_in(session, offices.deciders[Place.COUNTY], offices.deciders[Place.STREET])
    people = [offices.author, *offices.deciders.values()]
    running = []
    for _ in range(3):
        async with database.transaction() as session:
            running.append((await start(session, caller=principal(offices.author), subject=subject_of(offices))).id)
    for _ in range(ACTS):
        approval_id, user = chance.choice(running), chance.choice(people)
        before, turns = await picture(database, approval_id)
        judged = before.version if chance.random() < 0.8 else chance.randint(1, 5)
        act = chance.choice([*Decision, Decision.APPROVE, Decision.APPROVE, "cancel"])
        async with database.read() as session:
            standing = (await standings(session, caller=principal(user), approval_ids=[approval_id]))[approval_id]
        refusal: Problem | None = None
        try:
            async with database.transaction() as session:
                if act == "cancel":
                    await cancel(session, caller=principal(offices.author), approval_id=approval_id, reason="不报了")
                else:
                    await decide(
                        session,
                        caller=principal(user),
                        approval_id=approval_id,
                        judged=judged,
                        decision=act,
                        reason="照片缺少时间" if chance.random() < 0.8 else None,
                    )
        except Problem as problem:
            refusal = problem
        if refusal is not None:
            assert refusal.status in {403, 409, 422}
            assert await picture(database, approval_id) == (before, turns)
            continue
        after, turns_after = await picture(database, approval_id)
        assert before.state is ApprovalState.PENDING
        assert after.state in TRANSITIONS[before.state]
        assert after.version == before.version + 1
        assert turns_after[: len(turns) - 1] == turns[:-1]
        assert after.position - before.position in {0, 1}
        assert len(turns_after) == after.position <= len(STEPS)
        decided = turns_after[before.position - 1]
        if act != "cancel":
            assert standing.may_decide
            assert judged == before.version
            assert (decided.decided_by, decided.on_behalf_of) == (user.id, standing.on_behalf_of)
            assert offices.author.id not in {decided.decided_by, decided.on_behalf_of}
        assert (after.state is ApprovalState.APPROVED) == (
            [turn.state for turn in turns_after] == [ApprovalState.APPROVED] * len(STEPS)
        )
