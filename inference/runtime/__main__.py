"""Run a folder of weights by hand: `python -m inference.runtime FOLDER "a red star on a blue background" out.png`."""

import argparse
import sys
import time
from pathlib import Path

from inference.runtime.adapters import Job, adapter_for
from inference.runtime.device import open_device
from inference.runtime.engine import run_batch
from inference.runtime.loading import read_index

FORMATS = {".png": "png", ".webp": "webp", ".jpg": "jpg", ".jpeg": "jpg"}


def main() -> int:
    """Make one picture; the exit status is 1 where the model failed."""
    parser = argparse.ArgumentParser(prog="python -m inference.runtime", description="Make one picture from a folder.")
    parser.add_argument("folder", type=Path, help="a pipeline as save_pretrained writes it")
    parser.add_argument("prompt")
    parser.add_argument("output", type=Path, help="where to write the picture; .png, .webp or .jpg")
    parser.add_argument("--negative-prompt", default="")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--guidance", type=float, default=2.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 is one per physical core")
    options = parser.parse_args()
    if options.output.suffix.lower() not in FORMATS:
        parser.error(f"the output must end in one of {', '.join(FORMATS)}")

    device = open_device(threads=options.threads)
    started = time.perf_counter()
    adapter = adapter_for("text-to-image", str(read_index(options.folder).get("_class_name"))).load(
        options.folder, device
    )
    _say(f"loaded {adapter.weight_bytes():,} bytes onto {device.name} in {time.perf_counter() - started:.2f} s")
    inputs = {
        "prompt": options.prompt,
        "negative_prompt": options.negative_prompt,
        "width": options.width,
        "height": options.height,
        "num_inference_steps": options.steps,
        "guidance_scale": options.guidance,
        "seed": options.seed,
        "num_outputs": 1,
        "output_format": FORMATS[options.output.suffix.lower()],
    }
    job = Job(inputs=inputs, on_step=lambda _done, _steps: None, canceled=lambda: False)
    [result] = run_batch(adapter, [job])
    if result.error is not None:
        _say(result.error)
        return 1
    options.output.write_bytes(result.outputs[0].data)
    _say(f"wrote {options.output} after {result.run_seconds:.2f} s")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
