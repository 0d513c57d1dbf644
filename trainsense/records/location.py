"""`Location`: where in the user's model and files something was found."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Location:
    """A place in the user's code.

    Args:
        module: path of the module or parameter in the model (`layers.3.linear1`), empty where it is no matter of one.
        file: the file as Python names it, empty if unknown.
        line: 1-based line in it, None if unknown.
    """

    module: str = ""
    file: str = ""
    line: int | None = None
