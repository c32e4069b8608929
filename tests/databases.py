"""The run's template database: migrated once, cloned for every worker."""

from tests import servers
from wenming_api.kit.migrate import migrate


def migrated_template() -> str:
    """The name of the migrated template; made by the first who asks."""

    def build(name: str) -> None:
        migrate(servers.postgres().url(name, "wenming_owner"))

    return servers.template(build)
