"""What readiness asks of the database."""

from sqlalchemy import text

from wenming_api.kit.db import AnySession


async def answers(session: AnySession) -> None:
    """Raise when the database does not answer."""
    await session.execute(text("SELECT 1"))


async def queue_lag(session: AnySession) -> float:
    """How many seconds the oldest due job has been waiting; 0 when none is."""
    lag = await session.execute(
        text("SELECT extract(epoch FROM now() - min(execute_after)) FROM pgqueuer WHERE status = 'queued'")
    )
    return max(0.0, float(lag.scalar_one() or 0))
