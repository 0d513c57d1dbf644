"""The environment variables that Ray reads while it is imported and started, set for that long."""

import os
import secrets
from pathlib import Path
from typing import Final

QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to anyone
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # no word about what a later Ray will do with GPUs nobody asked for
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",  # Ray tells of dead workers on standard output, where the report goes
}
PATIENCE: Final = {"RAY_NUM_REDIS_GET_RETRIES": "5"}
"""Seconds for which Ray tries to join a cluster that does not take it; its own 20 are 15 too many."""
OWN_TOKEN: Final = secrets.token_hex(32)
"""Of a Ray that this process starts: without one, Ray would leave a new one in the user's home directory."""
TOKENS: Final = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
TOKEN_FILE: Final = Path("~/.ray/auth_token")
PREFIX: Final = "RAY_"


class RayEnvironment:
    """Sets what is not set yet, and puts everything of Ray's back as it was.

    Args:
        address: of the cluster to join; empty for a Ray of our own.
    """

    def __init__(self, address: str) -> None:
        self._before = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
        ours = QUIET | (_for_joining() if address else _for_starting())
        os.environ.update({name: value for name, value in ours.items() if name not in os.environ})

    def restore(self) -> None:
        """Put it back."""
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            del os.environ[name]
        os.environ.update(self._before)


def _for_joining() -> dict[str, str]:
    """Whoever has a token means to use it, which Ray does in one mode only; a cluster without tokens does not mind."""
    has_token = any(os.environ.get(name) for name in TOKENS) or TOKEN_FILE.expanduser().is_file()
    return PATIENCE | ({"RAY_AUTH_MODE": "token"} if has_token else {})


def _for_starting() -> dict[str, str]:
    """A local Ray has a token of its own, and its workers start as this process did, not through `uv run`."""
    has_token = any(os.environ.get(name) for name in TOKENS)
    return {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"} | ({} if has_token else {"RAY_AUTH_TOKEN": OWN_TOKEN})
