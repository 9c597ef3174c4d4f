"""What Adam's arithmetic does when the parameters themselves are float16.

Every operation of a for-loop or foreach AdamW on float16 parameters rounds its result to float16, whose smallest
positive number is 6e-8. So an epsilon of 1e-8 is 0, a small gradient has a second moment of 0, and the update divides
by it. A fused kernel computes in float32 and is not concerned. Source of the order of operations: `torch.optim.adamw`,
`_single_tensor_adamw`, 2.x. This module computes single updates; it knows no run.
"""

from __future__ import annotations

import numpy as np


def smallest_felt_gradient(beta2: float = 0.999) -> float:
    """Gradients below this have a second moment of 0 after the first update in float16.

    The moment is (1 - beta2) times the rounded square of the gradient.

    Args:
        beta2: Decay of the second moment.
    """
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _second_moment(middle, beta2) == 0.0 else (low, middle)
    return high


def first_change(
    gradient: float,
    *,
    rate: float,
    epsilon: float = 1e-8,
    weight: float = 0.02,
    beta1: float = 0.9,
    beta2: float = 0.999,
) -> float:
    """The change of a float16 weight in Adam's first step, weight decay left out; may be NaN or infinite.

    Args:
        gradient: Gradient of the weight.
        weight: The weight; 0.02 is the usual standard deviation of initial and pretrained matrices.
        rate: Learning rate of that step.
        epsilon: Adam's epsilon.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
    """
    half = np.float16
    with np.errstate(all="ignore"):
        moment = half(half(gradient) * half(1.0 - beta1))
        root = half(np.sqrt(_second_moment(gradient, beta2)))
        divisor = half(half(float(root) / (1.0 - beta2) ** 0.5) + half(epsilon))
        update = half(-rate / (1.0 - beta1) * float(half(np.divide(moment, divisor))))
        return float(half(half(weight) + update) - half(weight))


def _second_moment(gradient: float, beta2: float) -> np.float16:
    with np.errstate(all="ignore"):
        return np.float16(np.float16(1.0 - beta2) * np.float16(np.float16(gradient) ** 2))
