"""Runs a table of processes: starts them in order, merges their logs, restarts them, and stops them all."""

from marketplace.launcher.supervisor.claims import HomeTakenError, PortTakenError, claim_home, claim_port
from marketplace.launcher.supervisor.errors import SupervisorError
from marketplace.launcher.supervisor.log import Log
from marketplace.launcher.supervisor.spec import ProcessSpec
from marketplace.launcher.supervisor.supervisor import Supervisor

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
