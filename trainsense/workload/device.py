"""Which device to train on."""

import torch

from trainsense.errors import OptionError


def resolve_device(name: str) -> torch.device:
    """Return the device named `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; `auto` takes a GPU if there is one.

    Raises:
        OptionError: there is no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        msg = f"--device {name!r} is no device trainsense knows: auto, cpu, cuda, cuda:N or mps."
        raise OptionError(msg)
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        msg = f"--device {name}: torch sees {count} CUDA devices here. Use --device cpu or auto."
        raise OptionError(msg)
    if device.type == "mps" and not torch.backends.mps.is_available():
        msg = "--device mps: torch finds no MPS device here. Use --device cpu or auto."
        raise OptionError(msg)
    return device
