from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from marketplace.core.problems import Problem
from marketplace.demo import credentials
from marketplace.demo.history import make_history
from marketplace.demo.market import WEIGHTS
from marketplace.demo.seed import seed


class Command(BaseCommand):
    help = (
        "The demo market: `seed` creates its organisations and models, `history` runs them, `train` trains the models' "
        "weights from scratch, `measure` measures the figures on their cards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["seed", "history", "train", "measure"])
        parser.add_argument(
            "names", nargs="*", metavar="NAME", help="what to train or to measure (default: everything)"
        )
        parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 … (default: cpu)")
        parser.add_argument("--threads", type=int, default=1, help="processor threads for torch (default: 1)")
        training = parser.add_argument_group("train")
        training.add_argument("--minutes", type=float, help="for each of the named, instead of the plan's own")
        training.add_argument("--steps", type=int, help="a number of steps instead of minutes")
        training.add_argument("--seed", type=int, default=1)
        training.add_argument("--pictures", type=int, default=24_000, help="drawings of each style (default: 24000)")
        training.add_argument("--work", type=Path, help="for drawings and checkpoints (default: below $BOURSE_HOME)")
        training.add_argument("--from", type=Path, dest="donor", help="published folders to start from")
        pace = training.add_mutually_exclusive_group()
        pace.add_argument("--resume", action="store_true", help="go on from the checkpoints that exist (the default)")
        pace.add_argument("--fresh", action="store_true", help="delete the checkpoints of the named ones first")
        training.add_argument("--into", type=Path, help="folder to write to or read from (default: below --work)")
        measuring = parser.add_argument_group("measure")
        measuring.add_argument("--captions", type=int, default=400, help="fresh captions a model (default: 400)")
        measuring.add_argument("--cards", action="store_true", help="write the model cards, too")

    def handle(self, *args: Any, **options: Any) -> None:
        what: str = options["what"]
        if what in ("seed", "history") and options["names"]:
            raise CommandError(f"`{what}` takes no names")
        try:
            getattr(self, f"_{what}")(options)
        except Problem as problem:
            raise CommandError(problem.detail) from problem

    def _seed(self, options: dict[str, Any]) -> None:
        seed()
        self.stdout.write(f"The demo market is ready; {credentials.demo_file()} says how to sign in")

    def _history(self, options: dict[str, Any]) -> None:
        make_history(self.stdout.write)

    # The recipe imports torch, which the other two must not load, so it is imported where it is used.

    def _train(self, options: dict[str, Any]) -> None:
        from marketplace.demo.recipe.plan import PLAN, train_all

        self._check_names(options["names"], PLAN)
        work = options["work"] or Path(settings.HOME.path) / "demo-training"
        train_all(
            options["names"],
            work=work,
            into=options["into"] or work / "weights",
            donor=options["donor"],
            device=options["device"],
            threads=options["threads"],
            seed=options["seed"],
            pictures=options["pictures"],
            minutes=options["minutes"],
            steps=options["steps"],
            fresh=options["fresh"],
            report=self._print,
        )

    def _measure(self, options: dict[str, Any]) -> None:
        from marketplace.demo.recipe.measure import MEASURES, measure_all

        self._check_names(options["names"], MEASURES)
        measure_all(
            options["into"] or WEIGHTS,
            options["names"],
            captions=options["captions"],
            device=options["device"],
            threads=options["threads"],
            cards=options["cards"],
            report=self._print,
        )

    def _check_names(self, names: list[str], known: Any) -> None:
        if unknown := sorted(set(names) - set(known)):
            raise CommandError(f"Unknown: {', '.join(unknown)}. Choose from: {', '.join(known)}")

    def _print(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
