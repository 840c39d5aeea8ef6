"""EfficientNet-Lite for PyTorch as it runs fastest there: batch norm folded away, channels last, ReLU6 in place."""

import torch
from torch import nn
from torch.nn import functional as F

def relu6_(x):
    return F.hardtanh_(x, 0.0, 6.0)


class SameConv(nn.Module):
    """A convolution with a bias and TensorFlow's "SAME" padding, whose odd zero lies below and to the right."""

    def __init__(self, weight, bias, stride=1, groups=1):
        super().__init__()
        self.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last), requires_grad=False)
        self.bias = nn.Parameter(bias, requires_grad=False)
        self.stride, self.groups = stride, groups

    def forward(self, x):
        kernel, stride = self.weight.shape[-1], self.stride
        zeros = [max((-(-extent // stride) - 1) * stride + kernel - extent, 0) for extent in x.shape[-2:]]
        if any(z % 2 for z in zeros):
            (bottom, right), padding = zeros, (0, 0)
            x = F.pad(x, (right // 2, right - right // 2, bottom // 2, bottom - bottom // 2))
        else:
            padding = (zeros[0] // 2, zeros[1] // 2)
        return F.conv2d(x, self.weight, self.bias, stride, padding, groups=self.groups)


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel, narrow; the sum with the input where the shapes allow."""

    def __init__(self, expand, depthwise, project):
        super().__init__()
        self.expand, self.depthwise, self.project = expand, depthwise, project
        channels = expand.weight.shape[1] if expand else depthwise.weight.shape[0]
        self.skip = depthwise.stride == 1 and channels == project.weight.shape[0]

    def forward(self, x):
        y = relu6_(self.expand(x)) if self.expand else x
        y = self.project(relu6_(self.depthwise(y)))
        return y.add_(x) if self.skip else y


class PhotoEncoder(nn.Module):
    """`convolution(name)` gives weight and bias, or None where a block does not expand; `strides` one a block."""

    def __init__(self, convolution, strides):
        super().__init__()
        self.stem = SameConv(*convolution("stem"), stride=2)
        self.blocks = nn.ModuleList(
            self.block(convolution, f"blocks.{i}", stride) for i, stride in enumerate(strides))
        self.head = SameConv(*convolution("head"))

    @staticmethod
    def block(convolution, name, stride):
        expand = convolution(f"{name}.expand")
        weight, bias = convolution(f"{name}.depthwise")
        return InvertedBottleneck(
            SameConv(*expand) if expand else None,
            SameConv(weight, bias, stride, groups=weight.shape[0]),
            SameConv(*convolution(f"{name}.project")))

    def forward(self, pixels):
        """uint8 [photos, side, side, 3] -> [photos, (side / 32)^2, features], row by row of the grid"""
        x = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.channels_last)
        x = relu6_(self.stem(x.sub_(127.0).mul_(1.0 / 128.0)))
        for block in self.blocks:
            x = block(x)
        return relu6_(self.head(x)).flatten(2).transpose(1, 2)
