"""`Provenance`: when and on what a report was made."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """When and on what a report was made.

    Args:
        started: ISO 8601, UTC, to the second.
        seed: first seed.
        budget: as on the command line, `10m`, `20000steps`, `none`.
        python: version.
        torch: version.
        platform: operating system and architecture.
        engine: how trials were run, and why so: a sentence; empty if unknown.
    """

    started: str
    seed: int
    budget: str
    python: str
    torch: str
    platform: str
    engine: str = ""
