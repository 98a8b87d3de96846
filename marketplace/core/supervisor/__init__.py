"""Runs a table of processes as one: started in order, logged together, restarted, and stopped without remainder."""

from marketplace.core.supervisor.claims import HomeTakenError, PortTakenError, claim_home, claim_port
from marketplace.core.supervisor.errors import SupervisorError
from marketplace.core.supervisor.log import Log
from marketplace.core.supervisor.spec import ProcessSpec
from marketplace.core.supervisor.supervisor import Supervisor

__all__ = [
    "HomeTakenError",
    "Log",
    "PortTakenError",
    "ProcessSpec",
    "Supervisor",
    "SupervisorError",
    "claim_home",
    "claim_port",
]
