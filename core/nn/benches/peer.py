"""PyTorch's side of the comparison: `peer.py ROW` answers `operations`, `go COUNT` and `memory` on its standard input."""

import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(int(os.environ.get("SCANT_THREADS", "2")))
torch.manual_seed(0)


def flat(*sizes):
    layers = [nn.Flatten()]
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(a, b))
        if i < len(sizes) - 2:
            layers.append(nn.ReLU())
    return layers


def conv_autoencoder():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2),
        nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 1, 3, padding=1), nn.Sigmoid(),
    )


def autoencoder_64():
    encoder, before = [], 3
    for channels in (32, 64, 128, 256):
        encoder += [nn.Conv2d(before, channels, 4, 2), nn.ReLU()]
        before = channels
    decoder, before = [nn.Linear(300, 1024), nn.ReLU(), nn.Unflatten(1, (1024, 1, 1))], 1024
    for channels, kernel in ((128, 5), (64, 5), (32, 6)):
        decoder += [nn.ConvTranspose2d(before, channels, kernel, 2), nn.ReLU()]
        before = channels
    decoder += [nn.ConvTranspose2d(before, 3, 6, 2), nn.Sigmoid()]
    return nn.Sequential(*encoder, nn.Flatten(), nn.Linear(1024, 300), *decoder)


class Variational(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 32, 3, 1, 1), nn.ReLU(), nn.Conv2d(32, 32, 3, 2, 1), nn.ReLU(), nn.BatchNorm2d(32),
            nn.Conv2d(32, 64, 3, 1, 1), nn.ReLU(), nn.Conv2d(64, 64, 3, 2, 1), nn.ReLU(), nn.Flatten(),
        )
        self.mean, self.log_variance = nn.Linear(4096, 32), nn.Linear(4096, 32)
        self.decoder = nn.Sequential(
            nn.Linear(32, 4096), nn.ReLU(), nn.Unflatten(1, (64, 8, 8)),
            nn.ConvTranspose2d(64, 64, 3, 2, 1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(64, 64, 3, 1, 1), nn.ReLU(), nn.BatchNorm2d(64),
            nn.ConvTranspose2d(64, 32, 3, 2, 1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(32, 32, 3, 1, 1), nn.ReLU(), nn.ConvTranspose2d(32, 3, 3, 1, 1),
        )

    def loss(self, x):
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        pixels = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        latent = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
        return (pixels + latent) / x.shape[0]


class WideBlock(nn.Module):
    def __init__(self, before, channels, stride):
        super().__init__()
        self.first = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.second = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        widens = before != channels or stride != 1
        self.shortcut = nn.Conv2d(before, channels, 1, stride, bias=False) if widens else None

    def forward(self, x):
        h = F.relu(self.first(x), inplace=True)
        y = self.conv2(F.relu(self.second(self.conv1(h)), inplace=True))
        return y + (self.shortcut(h) if self.shortcut else x)


def wide_resnet():
    layers, before = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)], 16
    for group, channels in enumerate((32, 64, 128)):
        for block in range(4):
            layers.append(WideBlock(before, channels, 2 if group and not block else 1))
            before = channels
    layers += [nn.BatchNorm2d(128), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)]
    return nn.Sequential(*layers)


def resnet_18():
    import torchvision

    return torchvision.models.resnet18(num_classes=10)


def images(*shape):
    return torch.rand(*shape)


def reconstruct(model, x):
    return (lambda: F.mse_loss(model(x), x)), torch.optim.Adam(model.parameters())


def classify(model, x, optimizer):
    target = torch.arange(x.shape[0]) % 10
    return (lambda: F.cross_entropy(model(x), target)), optimizer


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)


def row(name):
    if name.startswith("conv-autoencoder-28"):
        return reconstruct(conv_autoencoder(), images(int(name.split("/")[1]), 1, 28, 28))
    if name == "beta-vae-32":
        model, x = Variational(), images(256, 3, 32, 32)
        return (lambda: model.loss(x)), torch.optim.Adam(model.parameters())
    if name == "wide-resnet-28-2":
        # The layout in which PyTorch's convolutions are fastest here.
        model = wide_resnet().to(memory_format=torch.channels_last)
        x = images(64, 3, 32, 32).to(memory_format=torch.channels_last)
        return classify(model, x, sgd(model))
    if name == "resnet-18":
        model = resnet_18().to(memory_format=torch.channels_last)
        x = images(64, 3, 64, 64).to(memory_format=torch.channels_last)
        return classify(model, x, sgd(model))
    if name == "autoencoder-64":
        return reconstruct(autoencoder_64(), images(100, 3, 64, 64))
    if name == "autoencoder-64-perceptual":
        model, x = autoencoder_64(), images(100, 3, 64, 64)
        features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(inplace=True)
        )
        features.requires_grad_(False)

        def loss():
            padded = F.pad(x, (80,) * 4)
            with torch.no_grad():
                wanted = features(padded)
            return (features(F.pad(model(x), (80,) * 4)) - wanted).square().sum() / x.shape[0]

        return loss, torch.optim.Adam(model.parameters())
    if name == "mlp":
        model = nn.Sequential(*flat(784, 500, 500, 2000, 10))
        return classify(model, images(256, 1, 28, 28), torch.optim.Adam(model.parameters()))
    if name == "mlp-autoencoder":
        encoder, decoder = flat(784, 500, 500, 2000, 10), flat(10, 2000, 500, 500, 784)
        model = nn.Sequential(*encoder, *decoder, nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))
        return reconstruct(model, images(256, 1, 28, 28))
    raise SystemExit(f"there is no row {name!r}")


def peak_memory():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return float("nan")


def main():
    loss, optimizer = row(sys.argv[1])

    now = time.process_time if os.environ.get("SCANT_CLOCK") == "processor" else time.perf_counter

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    for line in sys.stdin:
        words = line.split()
        if words[0] == "operations":
            from torch.utils.flop_counter import FlopCounterMode

            with FlopCounterMode(display=False) as counter:
                loss().backward()
            answer = counter.get_total_flops()
        elif words[0] == "go":
            start = now()
            for _ in range(int(words[1])):
                step()
            answer = (now() - start) / int(words[1])
        else:
            answer = peak_memory()
        print(answer, flush=True)


main()
