"""`python -m tests.bench.bare FOLDER`: a loop around diffusers, which takes requests on standard input.

Each line asks for `count` pictures in calls of `batch`; the answer has the seconds of each call.
"""

import json
import sys
import time
from pathlib import Path

from tests.bench.pictures import Order, generate, open_pipeline


def main(folder: Path) -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries may print
    pipeline = open_pipeline(folder)
    for line in sys.stdin:
        request = json.loads(line)
        orders = [Order(**order) for order in request["orders"]]
        seconds = []
        for start in range(0, len(orders), request["batch"]):
            before = time.perf_counter()
            generate(pipeline, orders[start : start + request["batch"]])
            seconds.append(time.perf_counter() - before)
        print(json.dumps(seconds), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
