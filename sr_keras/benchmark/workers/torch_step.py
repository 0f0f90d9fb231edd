"""The same networks in PyTorch, as its users train on a processor: channels last, autocast, fused Adam."""

import sys
from collections.abc import Sequence

import protocol  # type: ignore[import-not-found]  # it lies beside this file

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError:
    sys.exit(protocol.NOT_INSTALLED)


class Residual(nn.Module):
    """Adds what its layers make of its input to that."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


def conv(taken: int, given: int, size: int = 3, **options: bool | int) -> nn.Conv2d:
    return nn.Conv2d(taken, given, size, padding=size // 2, **options)


def srgan_generator() -> nn.Module:
    blocks = [
        Residual(conv(64, 64, bias=False), nn.BatchNorm2d(64), nn.PReLU(64), conv(64, 64, bias=False), nn.BatchNorm2d(64))
        for _ in range(8)
    ]
    trunk = Residual(*blocks, conv(64, 64, bias=False), nn.BatchNorm2d(64))
    ups: list[nn.Module] = []
    for taken in (64, 256):
        transposed = nn.ConvTranspose2d(256, 256, 3, stride=2, padding=1, output_padding=1)
        ups += [conv(taken, 256), transposed, nn.PReLU(256)]
    return nn.Sequential(conv(3, 64, 9), nn.PReLU(64), trunk, *ups, conv(256, 3, 9))


def edsr() -> nn.Module:
    blocks = [Residual(conv(64, 64), nn.ReLU(), conv(64, 64)) for _ in range(16)]
    ups = [layer for _ in range(2) for layer in (conv(64, 256), nn.PixelShuffle(2))]
    return nn.Sequential(conv(3, 64), Residual(*blocks, conv(64, 64)), *ups, conv(64, 3))


def discriminator() -> nn.Module:
    layers: list[nn.Module] = [conv(3, 64), nn.LeakyReLU(0.2)]
    taken = 64
    for width, stride in ((64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2)):
        layers += [conv(taken, width, stride=stride, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
        taken = width
    return nn.Sequential(*layers, nn.Conv2d(512, 1024, 1), nn.LeakyReLU(0.2), nn.Conv2d(1024, 1, 1))


GENERATORS = {"srgan": srgan_generator, "edsr": edsr}


def main() -> None:
    options = protocol.arguments()
    if options.generator not in GENERATORS:
        sys.exit(f"there is no {options.generator} for PyTorch here")
    number_format = {"float32": torch.float32, "mixed_bfloat16": torch.bfloat16, "mixed_float16": torch.float16}
    generator, judge = (
        network.to(memory_format=torch.channels_last) for network in (GENERATORS[options.generator](), discriminator())
    )
    adams = [torch.optim.Adam(network.parameters(), 1e-4, fused=True) for network in (generator, judge)]
    lr, hr = (
        torch.rand(options.batch_size, 3, side, side).contiguous(memory_format=torch.channels_last)
        for side in (options.hr_size // 4, options.hr_size)
    )
    autocast = torch.autocast("cpu", number_format[options.policy], enabled=options.policy != "float32")

    def bce(label: float, logits: torch.Tensor) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, label, dtype=torch.float32))

    def update(adam: torch.optim.Adam, loss: torch.Tensor, weights: Sequence[nn.Parameter]) -> None:
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        adam.step()

    def step() -> None:
        with autocast:
            sr = generator(lr)
            loss = functional.mse_loss(sr.float(), hr)
            if options.generator == "srgan":
                fake, real = judge(sr), judge(hr)
                loss, of_judge = loss + bce(1.0, fake), bce(0.0, fake) + bce(1.0, real)
        if options.generator != "srgan":
            update(adams[0], loss, list(generator.parameters()))
            return
        of_generator = torch.autograd.grad(loss, list(generator.parameters()), retain_graph=True)
        update(adams[1], of_judge, list(judge.parameters()))
        for weight, gradient in zip(generator.parameters(), of_generator, strict=True):
            weight.grad = gradient
        adams[0].step()

    protocol.serve(step)


if __name__ == "__main__":
    main()
