"""`Listener`: how the core tells of its progress without knowing of any stream."""

from typing import Protocol


class Listener(Protocol):
    """What the core calls while it works; all texts are plain (no markup)."""

    def plan(self, lines: tuple[str, ...], steps: int) -> None:
        """Take the plan and its cost in optimizer steps, told once before work starts."""

    def stage(self, title: str) -> None:
        """Take the title of the stage that begins."""

    def started(self, purpose: str, steps: int) -> None:
        """Take the purpose and length of the trial that begins."""

    def finished(self, steps: int, text: str) -> None:
        """Take the optimizer steps that a trial took (0 if it came from the store) and its outcome as a sentence."""

    def warn(self, text: str) -> None:
        """Take something the user should know and that is no finding."""


class Silent:
    """A listener that hears nothing."""

    def plan(self, lines: tuple[str, ...], steps: int) -> None:
        """Do nothing."""

    def stage(self, title: str) -> None:
        """Do nothing."""

    def started(self, purpose: str, steps: int) -> None:
        """Do nothing."""

    def finished(self, steps: int, text: str) -> None:
        """Do nothing."""

    def warn(self, text: str) -> None:
        """Do nothing."""
