"""The peer's side of peers.rs: reads a component's name a line, answers with images per second of torchvision v2.

One thread, f32 tensors in [0, 1]. `each` applies the transform image by image, so that each image draws its own
parameters, as ours do; `batch` hands it all images at once, which then share one draw (except where nothing is drawn
for the image as a whole: then both do the same work).
"""

import json
import sys
import time

import torch
from torch.nn import functional as nn
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode

torch.set_num_threads(1)
BILINEAR = InterpolationMode.BILINEAR
SOBEL = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
SOBEL = torch.stack([SOBEL, SOBEL.T])[:, None]


def sobel(image):
    mean = image.mean(dim=-3, keepdim=True)
    return nn.conv2d(mean if mean.ndim == 4 else mean[None], SOBEL, padding=1)


def rand_augment():
    # FixMatch carries out each of the two operations with probability 1/2.
    return v2.Compose([v2.RandomApply([v2.RandAugment(num_ops=1, magnitude=15)], p=0.5) for _ in range(2)])


def peers(side):
    """The counterparts for images of `side` x `side` pixels, by the names of our components."""
    times = side // 32

    def cutout(size, value=0.0):
        share = size * size / (side * side)
        return v2.RandomErasing(p=1.0, scale=(share, share), ratio=(1.0, 1.0), value=value)

    def crop(size):
        return v2.Compose([v2.RandomCrop(size), v2.Resize(side)])

    def center_crop(size):
        return v2.Compose([v2.CenterCrop(size), v2.Resize(side)])

    def both(*steps):
        return v2.Compose(steps)

    hflip = v2.RandomHorizontalFlip(p=1.0)
    vflip = v2.RandomVerticalFlip(p=1.0)
    rotate = v2.RandomRotation(45, interpolation=BILINEAR)
    affine = v2.RandomAffine(45, scale=(0.5, 1.5), interpolation=BILINEAR)
    # The policies' sizes are the papers' own, at 224 pixels too.
    hide = cutout(10)
    noise = v2.GaussianNoise(0.0, 0.1)
    jitter = v2.ColorJitter(0.8, 0.8, 0.8, 0.2)
    gray = v2.Grayscale(3)
    weak = [v2.RandomHorizontalFlip(), v2.RandomCrop(side, padding=side // 8, padding_mode="reflect")]
    return {
        "hflip": v2.RandomHorizontalFlip(),
        "vflip": v2.RandomVerticalFlip(),
        "shift": v2.RandomAffine(0, translate=(0.125, 0.125)),
        "crop": crop(20 * times),
        "padded-crop": v2.RandomCrop(side, padding=4 * times),
        "center-crop": center_crop(24 * times),
        "rotate": rotate,
        "affine": affine,
        "perspective": v2.RandomPerspective(0.5, p=1.0),
        "cutout": cutout(10 * times),
        "noise": noise,
        "color-jitter": jitter,
        "gray": gray,
        "sobel": sobel,
        "rand-augment": rand_augment(),
        "pl-ae-mnist": v2.RandomChoice([rotate, affine, crop(20), hide, noise]),
        "pl-ae-cifar10": v2.RandomChoice([
            affine, hide, hflip, both(rotate, affine), both(rotate, hide), both(rotate, hflip),
            both(rotate, vflip), both(affine, hide), both(affine, hflip), both(hide, jitter),
        ]),
        "pl-ae-svhn": v2.RandomChoice([
            hide, gray, jitter, rotate, both(rotate, gray), both(hide, noise), both(hide, gray),
            both(hide, jitter), both(noise, jitter), both(gray, jitter),
        ]),
        "end-to-end": v2.Compose([
            v2.ColorJitter((0.7, 1.3), (0.7, 1.3), (0.7, 1.3), (-0.2, 0.2)),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([center_crop(24 * times)], p=0.5),
        ]),
        "fixmatch-weak": v2.Compose(weak),
        "fixmatch-strong": v2.Compose([*weak, rand_augment(), cutout(side // 2, 0.5)]),
    }


def rate(apply, inputs, images_each, seconds):
    apply(inputs[0])
    # Processor seconds: other programs on the machine count on neither side.
    count, start = 0, time.process_time()
    while (elapsed := time.process_time() - start) < seconds:
        for one in inputs:
            apply(one)
        count += len(inputs) * images_each
    return count / elapsed


def main():
    for line in sys.stdin:
        request = json.loads(line)
        side, count, seconds = request["side"], request["images"], request["seconds"]
        peer = peers(side)[request["peer"]]
        batch = (torch.rand(count, 3, side, side) * 255).round() / 255
        images = [image.clone() for image in batch]
        with torch.inference_mode():
            answer = {"each": rate(peer, images, 1, seconds), "batch": rate(peer, [batch], count, seconds)}
        print(json.dumps(answer), flush=True)


main()
