"""When and on what a report is made."""

import platform
from datetime import datetime

import torch

from trainsense.records.provenance import Provenance
from trainsense.records.request import Request


def provenance_of(request: Request, started: datetime, engine: str) -> Provenance:
    """Return the provenance of a report.

    Args:
        request: what was asked for.
        started: when, in UTC.
        engine: how trials were run, and why so.
    """
    return Provenance(
        started=started.isoformat(timespec="seconds"),
        seed=request.seed,
        budget=str(request.budget),
        python=platform.python_version(),
        torch=torch.__version__,
        platform=f"{platform.system()} {platform.machine()}",
        engine=engine,
    )
