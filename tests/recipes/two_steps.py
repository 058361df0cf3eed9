"""Takes recipes through two steps in each stage, and through their evaluations, on a CPU.

    python3 two_steps.py SCANT RECIPE...

SCANT is the program; the recipes are those of examples/recipes, such as pl-ae/svhn. Needs numpy, scipy, torchvision and
safetensors. What stands for the data are files in the published formats, of 200 training and 100 test images each, with random
pixels, and random weights in the files of AlexNet and SqueezeNet. It shows that a recipe runs, and nothing of what it reaches.
Everything lies in target/two-steps: `data`, made once, and a folder for each run.
"""

import gzip
import pathlib
import shutil
import struct
import subprocess
import sys
import time
import tomllib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = ROOT / "examples" / "recipes"
PLACE = ROOT / "target" / "two-steps"
TRAIN, TEST = 200, 100
PARTS = [("train", TRAIN), ("test", TEST)]


def make_data(folder):
    random = np.random.default_rng(0)
    pixels = lambda *shape: random.integers(0, 256, shape, dtype=np.uint8)
    classes = lambda count, number: (np.arange(count) % number).astype(np.uint8)

    for name in ["mnist", "fashion-mnist"]:
        (folder / name).mkdir(parents=True)
        for part, count in [("train", TRAIN), ("t10k", TEST)]:
            images = struct.pack(">4I", 2051, count, 28, 28) + pixels(count, 28, 28).tobytes()
            labels = struct.pack(">2I", 2049, count) + classes(count, 10).tobytes()
            (folder / name / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
            (folder / name / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))

    def cifar(path, count, *number_of_classes):
        path.parent.mkdir(exist_ok=True)
        labels = [classes(count, number)[:, None] for number in number_of_classes]
        np.hstack([*labels, pixels(count, 3072)]).tofile(path)

    for number in range(1, 6):
        cifar(folder / "cifar-10-batches-bin" / f"data_batch_{number}.bin", TRAIN // 5, 10)
    cifar(folder / "cifar-10-batches-bin" / "test_batch.bin", TEST, 10)
    for part, count in PARTS:
        cifar(folder / "cifar-100-binary" / f"{part}.bin", count, 20, 100)

    from scipy.io import savemat

    (folder / "svhn").mkdir()
    for part, count in PARTS:
        content = {"X": pixels(32, 32, 3, count), "y": classes(count, 10)[:, None] + 1}
        savemat(folder / "svhn" / f"{part}_32x32.mat", content, do_compression=True)

    import torch
    import torchvision
    from safetensors.torch import save_file

    (folder / "weights").mkdir()
    torch.save(torchvision.models.alexnet().state_dict(), folder / "weights" / "alexnet.pth")
    save_file(torchvision.models.squeezenet1_0().state_dict(), folder / "weights" / "squeezenet1_0.safetensors")


def read(path):
    """A recipe over those it extends, as far as this script looks."""
    own = tomllib.loads(path.read_text())
    if "extends" not in own:
        return own
    base = read(path.parent / own["extends"])
    return {**base, **own, "data": {**base["data"], **own.get("data", {})}}


def shorter(recipe):
    """What makes two steps and small data of it."""
    for prefix, method in [("", recipe)] + [(f"method[{n}].", m) for n, m in enumerate(recipe.get("method", []))]:
        for n, stage in enumerate(method.get("stage", [])):
            if stage.get("epochs", 1) > 0:
                yield from (f"{prefix}stage[{n}].{short}" for short in ["epochs=1", "batch=4", "steps_per_epoch=2"])
        for n, evaluate in enumerate(method.get("evaluate", [])):
            if isinstance(evaluate, dict) and evaluate.get("every", 1) > 1:
                yield f"{prefix}evaluate[{n}].every=1"
    data = recipe["data"]
    if isinstance(data.get("labels"), dict) and "fraction" not in data["labels"]:
        yield "data.labels={count=100}"
    if "validation" in data:
        yield "data.validation={count=20}"
    if "limit" in data:
        yield f"data.limit={TRAIN}"


def main():
    program, recipes = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    data = PLACE / "data"
    if not data.exists():
        make_data(data)
    failed = False
    for name in recipes:
        sets = [word for set_ in shorter(read(RECIPES / f"{name}.toml")) for word in ["--set", set_]]
        folder = PLACE / name.replace("/", "-")
        shutil.rmtree(folder, ignore_errors=True)
        begun = time.monotonic()
        command = [program, "run", RECIPES / f"{name}.toml", "--threads", "1", "--data-dir", data, "--out", folder, *sets]
        done = subprocess.run(command, capture_output=True, text=True)
        bad = done.returncode != 0 or "not judged" in done.stdout
        failed |= bad
        print(f"{name}: {'failed' if bad else 'ran'} ({time.monotonic() - begun:.0f} s)", flush=True)
        if bad:
            print(done.stdout[-2000:] + done.stderr[-2000:], flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
