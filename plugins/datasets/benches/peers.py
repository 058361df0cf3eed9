"""PyTorch's and torchvision's side of peers.rs: one request a line, one answer a line, both JSON."""

import gzip
import json
import sys
import time
from pathlib import Path

import torch
from torchvision.datasets.mnist import MNIST, read_sn3_pascalvincent_tensor

FILES = [f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]


def from_gzip(folder):
    """Gunzip in memory and view as a tensor: what torchvision's parser does, without its detour over the disk."""
    tensors = []
    for name in FILES:
        with gzip.open(Path(folder) / f"{name}.gz", "rb") as file:
            data = bytearray(file.read())
        dims = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
        tensors.append(torch.frombuffer(data, dtype=torch.uint8, offset=4 + 4 * len(dims)).view(*dims))
    return tensors


def from_plain(folder):
    """torchvision's own parser on files that were unpacked before."""
    return [read_sn3_pascalvincent_tensor(str(Path(folder) / name)) for name in FILES]


for line in sys.stdin:
    request = json.loads(line)
    load = {"gzip": from_gzip, "plain": from_plain}[request["peer"]]
    wall, cpu = time.perf_counter(), time.process_time()
    images, labels, test_images, test_labels = load(request["folder"])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    total = int(images.sum()) + int(labels.sum()) + int(test_images.sum()) + int(test_labels.sum())
    print(json.dumps({"wall": wall, "cpu": cpu, "total": total}), flush=True)
