"""Kinds of operations, by autograd's names for them without `Backward0`."""

from typing import Final


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


LEAF: Final = "Leaf"
"""A parameter, or a tensor that requires a gradient without being one: the model's inputs."""

GRADIENT: Final = "Gradient of "
"""Begins the kinds of operations of a backward pass that the loss itself asks for: they are in none of the sets below."""

CUSTOM: Final = "Custom "
"""Begins the kinds of autograd functions of the user's own, whatever they are called."""

MATMULS: Final = _kinds(
    "Addmm Mm Bmm Baddbmm Addbmm Linear MkldnnLinear Convolution ConvolutionOverrideable MkldnnConvolution "
    "CudnnConvolution SlowConv2D SlowConv3D ThnnConv2D ConvDepthwise3D ThnnConvDepthwise2D"
)
"""Products of two tensors: a layer, if one of the two is a weight."""

LOOKUPS: Final = _kinds("Embedding EmbeddingBag IndexSelect Index Gather")
"""What a parameter gives here depends on the data."""

RECURRENT: Final = _kinds(
    "MkldnnRnnLayer CudnnRnn MiopenRnn ThnnFusedLstmCell ThnnFusedGruCell ThnnDifferentiableLstmCell"
)
"""Fused recurrent layers."""

NORMS: Final = _kinds(
    "NativeLayerNorm NativeBatchNorm CudnnBatchNorm MiopenBatchNorm BatchNormWithUpdate NativeGroupNorm FusedRmsNorm"
)
"""Normalisation layers as single operations; their inputs are data, weight and bias."""

RESHAPES: Final = _kinds(
    "View UnsafeView ReshapeAlias Reshape T Transpose Permute Squeeze Unsqueeze Clone ToCopy Alias Contiguous "
    "Movedim AsStrided"
)
"""The same numbers in another shape, order or precision."""

SPLITS: Final = _kinds("Split SplitWithSizes Unbind UnsafeSplit UnsafeSplitWithSizes Chunk UnsafeChunk")
"""Operations with several results."""

PARTS: Final = SPLITS | {"Slice", "Select", "Narrow"}
"""Some of the numbers."""

SPREADS: Final = _kinds(
    "Expand Repeat Roll Flip ConstantPadNd PixelShuffle PixelUnshuffle Im2Col Col2Im ReflectionPad1D "
    "ReflectionPad2D ReplicationPad1D ReplicationPad2D UpsampleNearest1D UpsampleNearest2D UpsampleNearest3D "
    "UpsampleLinear1D UpsampleBilinear2D UpsampleBicubic2D Unfold"
)
"""Linear, without weights: numbers repeated, moved, padded or interpolated."""

POOLS: Final = _kinds(
    "Mean Sum AvgPool2D AvgPool3D AdaptiveAvgPool2D AdaptiveAvgPool3D MkldnnAdaptiveAvgPool2D "
    "MaxPool2DWithIndices MaxPool3DWithIndices AdaptiveMaxPool2D AdaptiveMaxPool3D MkldnnMaxPool2D MaxPool2D Amax "
    "Max"
)
"""Pooling: zero stays zero."""

SCALINGS: Final = _kinds("Mul Div Neg NativeDropout FusedDropout MaskedFill Where MulScalar")
"""Linear in their one data input: scaling by a constant, dropout, masks."""

PASSING: Final = RESHAPES | PARTS | SPREADS | POOLS | SCALINGS
"""What leaves zero at zero and is no activation."""

SUMS: Final = _kinds("Add Sub Cat Stack")
"""Data joined linearly."""

RELU_FAMILY: Final = _kinds(
    "Relu LeakyRelu PreluKernel RreluWithNoise Gelu Silu Elu Celu Softplus Mish Hardswish Threshold ClampMin"
)
"""Activations that let the positive half pass (He et al. 2015), smooth ones included."""

SATURATING: Final = _kinds("Sigmoid Tanh Hardsigmoid Hardtanh Softsign")
"""Activations whose gradient vanishes on both sides."""

STEEP_AT_ZERO: Final = _kinds(
    "Tanh Hardtanh Softsign Gelu Silu Elu Celu Mish Hardswish LeakyRelu PreluKernel RreluWithNoise Glu"
)
"""Activations with f(0) = 0 and a gradient there: a branch that ends in one learns from a zeroed last layer."""
