"""The exception tree.

::

    TrainsenseError            exit 3  a fault of trainsense itself
    └── CannotRunError         exit 2  it could not run; the message names the thing and the way out
        ├── WorkloadError              the workload can't be loaded, is malformed, or fails its dry run
        ├── UserCodeError              the user's own code raised: carries their traceback, from their file on
        │   └── BatchSourceError       it was the batch source: no trial can go on without batches
        ├── OptionError                an option's value is off
        ├── StoreError                 the run directory can't be used
        └── LostRanksError             of several ranks that train together, one has left or does not answer

A trial that diverges or crashes is no exception: it is an `Outcome` (records/outcome.py).
"""

from typing import ClassVar


class TrainsenseError(Exception):
    """Base of all errors raised on purpose; carries the exit status of the command line."""

    exit_status: ClassVar[int] = 3


class CannotRunError(TrainsenseError):
    """The command could not run because of something the user can change."""

    exit_status: ClassVar[int] = 2


class WorkloadError(CannotRunError):
    """The workload cannot be loaded, has a wrong field, or fails its one-batch dry run."""


class OptionError(CannotRunError):
    """An option's value is out of range or contradicts another."""


class StoreError(CannotRunError):
    """The run directory cannot be created, read or written."""


class LostRanksError(CannotRunError):
    """Of several ranks that train together, one has left or does not answer."""


class UserCodeError(CannotRunError):
    """The user's own code raised.

    Args:
        message: one sentence that says where (which field, which batch).
        user_traceback: the formatted traceback from the user's file on, without frames of trainsense.
    """

    def __init__(self, message: str, user_traceback: str) -> None:
        super().__init__(message)
        self.user_traceback = user_traceback


class BatchSourceError(UserCodeError):
    """The user's batch source raised while it was read."""
