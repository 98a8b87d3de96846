"""The measurements: systems take turns within each round, and a figure is the median of the rounds."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench import load, systems
from tests.bench.load import Load
from tests.bench.report import Report, Row
from tests.bench.systems import DRAFT, HERO, Bourse, Seeds

CALLERS = 16
ROUNDS = 3
ECHO_CALLS = 200  # of one caller in a round
ECHO_SECONDS = 4.0  # of sixteen callers in a round
PICTURES = 64  # of sixteen callers in a round
BARE_PICTURES = 16  # of the loop that generates one at a time
BATCH = 8
DRAFTS = 20  # of one caller in a round

Ask = Callable[[Mapping[str, Any]], Any]


async def echo(report: Report, bourse: Bourse, *, model: str, keys: Sequence[str], litserve_port: int) -> None:
    """One caller's latency and sixteen callers' rate, of an echo by Bourse and by LitServe."""
    one_buyer = [bourse.echo(model, keys[0]) for _ in range(CALLERS)]
    many_buyers = [bourse.echo(model, key) for key in keys[:CALLERS]]
    seeds = Seeds()
    new_outputs = [bourse.echo(model, keys[0], seeds=seeds) for _ in range(CALLERS)]
    litserve = [systems.litserve_echo(litserve_port) for _ in range(CALLERS)]
    for calls in (one_buyer, many_buyers, new_outputs, litserve):  # warm up
        await load.run(calls, each=20)

    alone: dict[str, list[Load]] = {"litserve": [], "bourse": [], "new": []}
    concurrent: dict[str, list[Load]] = {"litserve": [], "one": [], "many": [], "new": []}
    for _ in range(ROUNDS):
        alone["litserve"].append(await load.run(litserve[:1], each=ECHO_CALLS))
        alone["bourse"].append(await load.run(one_buyer[:1], each=ECHO_CALLS))
        alone["new"].append(await load.run(new_outputs[:1], each=ECHO_CALLS // 4))
        concurrent["litserve"].append(await load.run(litserve, seconds=ECHO_SECONDS / 2))
        concurrent["one"].append(await load.run(one_buyer, seconds=ECHO_SECONDS))
        concurrent["many"].append(await load.run(many_buyers, seconds=ECHO_SECONDS))
        concurrent["new"].append(await load.run(new_outputs, seconds=ECHO_SECONDS / 2))

    client = "raw asyncio HTTP/1.1 client, kept connection"
    for percent in (50, 95):
        theirs = [round_.percentile(percent) for round_ in alone["litserve"]]
        ours = [round_.percentile(percent) for round_ in alone["bourse"]]
        fresh = [round_.percentile(percent) for round_ in alone["new"]]
        _add(report, f"LitServe echo, 1 caller, p{percent}", theirs, "ms", client)
        how = f"Prefer: wait, the same text each time; {client}"
        _add(report, f"Bourse echo, 1 caller, p{percent}", ours, "ms", how, times(ours, theirs, "LitServe's echo"))
        how = "as above, every text new: each output is a new file, written and synced twice"
        _add(report, f"Bourse echo, 1 caller, new outputs, p{percent}", fresh, "ms", how)

    theirs = [round_.per_second for round_ in concurrent["litserve"]]
    _add(report, "LitServe echo, 16 callers", theirs, "requests/s", f"closed loop; {client}")
    for name, title, how in (
        ("one", "one buyer", "one organisation, the same text each time"),
        ("many", "16 buyers", "16 organisations, the same text each time"),
        ("new", "one buyer, new outputs", "every text new: each output is a new file, written and synced twice"),
    ):
        ours = [round_.per_second for round_ in concurrent[name]]
        ratio = times(ours, theirs, "LitServe's echo")
        _add(report, f"Bourse settled predictions, 16 callers, {title}", ours, "predictions/s", how, ratio)
        for percent in (50, 95):
            values = [round_.percentile(percent) for round_ in concurrent[name]]
            _add(report, f"  latency p{percent}, {title}", values, "ms", how)


async def pictures(report: Report, bourse: Bourse, *, model: str, key: str, bare: Ask, litserve_port: int) -> None:
    """Images per second at sixteen callers on the hero model."""
    seeds = Seeds()
    ours = [bourse.picture(model, key, seeds, HERO, fetch=True) for _ in range(CALLERS)]
    litserve = [systems.litserve_picture(litserve_port, seeds) for _ in range(CALLERS)]

    def looped(count: int, batch: int) -> float:
        return count / sum(bare({"orders": systems.orders(seeds, HERO, count), "batch": batch}))

    looped(2, 1)
    looped(BATCH, BATCH)
    await load.run(ours, each=1)
    await load.run(litserve, each=1)
    rates: dict[str, list[float]] = {"alone": [], "batched": [], "litserve": [], "bourse": []}
    for _ in range(ROUNDS):
        rates["alone"].append(looped(BARE_PICTURES, 1))
        rates["bourse"].append((await load.run(ours, each=PICTURES // CALLERS)).per_second)
        rates["batched"].append(looped(PICTURES // 2, BATCH))
        rates["litserve"].append((await load.run(litserve, each=PICTURES // CALLERS)).per_second)

    what = f"12 steps, guidance 2.5, 128 px, {PICTURES} pictures a round"
    _add(report, "bare diffusers, one at a time", rates["alone"], "images/s", f"a loop in one process; {what}")
    _add(report, "bare diffusers, batches of 8", rates["batched"], "images/s", f"a loop in one process; {what}")
    how = f"16 callers, max_batch_size 8, the picture in the answer; {what}"
    _add(report, "LitServe batched, 16 callers", rates["litserve"], "images/s", how)
    how = f"16 callers, Prefer: wait, each picture fetched; {what}"
    ratios = ", ".join(
        f"{statistics.median(rates['bourse']) / statistics.median(rates[name]):.2f} × {title}"
        for name, title in (("alone", "alone"), ("batched", "batched"), ("litserve", "LitServe"))
    )
    _add(report, "Bourse, 16 callers", rates["bourse"], "images/s", how, ratios)


async def added(report: Report, bourse: Bourse, *, model: str, key: str, bare: Ask) -> None:
    """The overhead of a prediction of the workhorse over the bare pipeline call, with one caller."""
    seeds = Seeds()
    answered = [bourse.picture(model, key, seeds, DRAFT, fetch=False)]
    fetched = [bourse.picture(model, key, seeds, DRAFT, fetch=True)]

    def looped(count: int) -> list[float]:
        return [1000 * one for one in bare({"orders": systems.orders(seeds, DRAFT, count), "batch": 1})]

    looped(3)
    await load.run(answered, each=3)
    medians: dict[str, list[float]] = {"bare": [], "answered": [], "fetched": []}
    for _ in range(ROUNDS):
        medians["bare"].append(statistics.median(looped(DRAFTS)))
        medians["answered"].append((await load.run(answered, each=DRAFTS)).percentile(50))
        medians["fetched"].append((await load.run(fetched, each=DRAFTS)).percentile(50))

    how = f"4 steps without guidance, 128 px; median of {DRAFTS} calls one after the other"
    _add(report, "bare diffusers, one workhorse", medians["bare"], "ms", how)
    answers, bases = medians["answered"], medians["bare"]
    _add(report, "Bourse, one workhorse", answers, "ms", f"{how}, answered", times(answers, bases, "the bare pipeline"))
    for name, title in (("answered", "to the answer"), ("fetched", "to the fetched picture")):
        over = [ours - theirs for ours, theirs in zip(medians[name], bases, strict=True)]
        _add(report, f"  added by Bourse, {title}", over, "ms", how)


def times(ours: Sequence[float], theirs: Sequence[float], whose: str) -> str:
    """The ratio of the medians, in words."""
    return f"{statistics.median(ours) / statistics.median(theirs):.2f} × {whose}"


def _add(report: Report, name: str, rounds: Sequence[float], unit: str, how: str, ratio: str = "") -> None:
    report.add(Row(name, statistics.median(rounds), unit, how, ratio, rounds))


def demo_folder(name: str) -> Path:
    """The weights of a demo model."""
    return Path(__file__).resolve().parents[2] / "marketplace" / "demo" / "weights" / name
