"""torch's Transformer layers, which place their norms by `norm_first`."""

from typing import Final

from torch import nn

from trainsense.workload.edits.interface import as_tuple

_LAYERS: Final = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
_STACKS: Final = (nn.TransformerEncoder, nn.TransformerDecoder)


def post_norm_layers(model: nn.Module) -> tuple[str, ...]:
    """Return the paths of torch's own Transformer layers that normalise their sums."""
    return tuple(path for path, module in model.named_modules() if isinstance(module, _LAYERS) and _is_post(module))


def _is_post(layer: nn.Module) -> bool:
    own = any(type(layer).forward is kind.forward for kind in _LAYERS)
    return own and not layer.norm_first


def bare_stacks(model: nn.Module, layers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths of the stacks of such `layers` that have no norm at their end."""
    return tuple(path for path in _stacks(model, layers) if model.get_submodule(path).norm is None)


def _stacks(model: nn.Module, layers: tuple[str, ...]) -> tuple[str, ...]:
    changed = {id(model.get_submodule(path)) for path in layers}
    return tuple(
        path
        for path, module in model.named_modules()
        if isinstance(module, _STACKS) and any(id(layer) in changed for layer in module.layers)
    )


def norm_first_code(model: nn.Module, layers: tuple[str, ...]) -> str:
    """Return code that places the norms of `layers` first, and one at the end of each stack without."""
    if not layers:
        return ""
    code = f"for name in {as_tuple(layers)}:\n    model.get_submodule(name).norm_first = True\n"
    encoders = tuple(
        path for path in _stacks(model, layers) if isinstance(model.get_submodule(path), nn.TransformerEncoder)
    )
    if encoders:
        code += (
            f"for name in {as_tuple(encoders)}:  # as TransformerEncoder does itself with norm_first=True\n"
            "    model.get_submodule(name).use_nested_tensor = False\n"
        )
    bare = bare_stacks(model, layers)
    if bare:
        code += (
            f"for name in {as_tuple(bare)}:  # the sum that leaves the last block is not normalised any more\n"
            "    stack = model.get_submodule(name)\n"
            "    last = stack.layers[-1].norm1\n"
            "    stack.norm = torch.nn.LayerNorm(last.normalized_shape, eps=last.eps).to(last.weight)\n"
        )
    return code
