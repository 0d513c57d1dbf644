"""`RulePage`: what a rule says of itself; the rules themselves stand above the reporters."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RulePage:
    """What is known of a rule without running it.

    Args:
        name: as findings carry it (CONTRACT 4).
        family: `setup`, `stability`, …
        summary: one line.
        page: what it checks, how it is decided, what to try, where it comes from (markdown).
        fixes: what its findings may offer, by name (CONTRACT 5).
    """

    name: str
    family: str
    summary: str
    page: str
    fixes: tuple[str, ...] = ()
