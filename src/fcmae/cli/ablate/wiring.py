"""Running a plan: read it, check it, compute its steps, write its table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.ablation.commands import Commands
from fcmae.ablation.folder import PlanFolder
from fcmae.ablation.launch import Here, Launcher
from fcmae.ablation.layers import layered
from fcmae.ablation.links import link_all, link_best
from fcmae.ablation.plan import Cell, Plan, plan_of
from fcmae.ablation.run import Runner
from fcmae.ablation.space import Space, space_of
from fcmae.ablation.steps import Data, Resolver, Setting, planned, unique
from fcmae.ablation.table import merit, rows
from fcmae.ablation.write import as_text, best_of, write_table
from fcmae.checkpoint.header import weights_file
from fcmae.checkpoint.published_names import named
from fcmae.cli.ablate.ablate import Ablate, Ablated, show_ablated
from fcmae.data.listing import not_there, split
from fcmae.engine.lock import hold
from fcmae.errors import DataError
from fcmae.flags import option
from fcmae.inference.analyze.sources import random_model
from fcmae.options.recipes import read_plan
from fcmae.setup.sources import validation_images

WITH_CLASSES = ("finetune classify", "evaluate neighbours", "evaluate linear")
"""The commands that divide images of classes into those to learn from and those to test on."""

TEST = "evaluate classify"
"""The command that only tests on images of classes."""


@dataclass(frozen=True, kw_only=True)
class CheckedPlan:
    """A plan of which every step is known to have options that can be.

    Attributes:
        plan: What it says.
        space: Where it searches, if it does.
        settings: What it asks for; of a search, the edges of its space.
        resolver: Makes further settings.
    """

    plan: Plan
    space: Space | None
    settings: list[Setting]
    resolver: Resolver


def check(options: Ablate, commands: Commands) -> CheckedPlan:
    """Read a plan and check all of it."""
    for source in (options.data, options.labelled):
        if source is not None and not source.exists():
            raise not_there(source)
    data = Data(images=options.data, labelled=options.labelled)
    resolver = Resolver(commands=commands, data=data)
    tree = layered(options.plan, read_plan, options.variant, options.set)
    try:
        plan = plan_of(tree, options.plan, commands)
        searching = bool(plan.search or options.search)
        if options.seeds:
            # A search is of its seeds; otherwise the table keeps those that are not asked for.
            others = () if searching else plan.seeds
            plan = replace(plan, seeds=tuple(dict.fromkeys((*others, *options.seeds))))
        space = space_of(plan, options.search) if searching else None
        edges = plan if space is None else at(plan, space.corners(plan.cells[0]))
        settings = resolver.settings(edges)
    except ValueError as error:
        raise ValueError(f"the plan {options.plan}: {error}") from None
    names = [cell.name for cell in plan.cells]
    for name in options.only:
        if name not in names:
            close = commands.close(name, names) or f" The cells are {', '.join(names)}."
            raise ValueError(f"only: there is no cell {name}.{close}")
    for step in unique(settings):
        weights = step.options.get("weights")
        if step.command == "analyze" and weights is not None and random_model(weights):
            continue
        if weights is not None and named(weights) is None:
            weights_file(Path(weights.partition("#")[0]))
    return CheckedPlan(plan=plan, space=space, settings=settings, resolver=resolver)


def compute(options: Ablate, checked: CheckedPlan, message: Callable[[str], None]) -> Ablated:
    """Compute what is not computed yet, and tell what has come of all."""
    plan, folder = checked.plan, PlanFolder(options.out.absolute())
    runner = Runner(
        folder=folder,
        commands=checked.resolver.commands,
        launcher=launcher(options, folder),
        tell=message,
    )
    with hold(options.out):
        folder.agree(planned(plan, checked.resolver))
        if checked.space is None:
            settings = checked.settings
            wanted = asked_for(options, checked)
            link_all(wanted, folder)
            runner.run(wanted)
        else:
            plan = at(plan, searched(plan, checked.space, checked.resolver, runner))
            settings = checked.resolver.settings(plan)
        link_best(plan, settings, folder)
        result = standing(plan, settings, folder, write=True)
    if runner.failures:
        show_ablated(result, Terminal(stderr=True, highlight=False))
        runner.answer()
    return result


def asked_for(options: Ablate, checked: CheckedPlan) -> list[Setting]:
    """The settings of the cells and seeds to compute."""
    return [
        setting
        for setting in checked.settings
        if (not options.only or setting.cell in options.only)
        and (not options.seeds or setting.seed in options.seeds)
    ]


def check_labels(options: Ablate, checked: CheckedPlan) -> None:
    """Look for the classes of the images before the first step, which may take days, begins.

    Raises:
        DataError: A step could not use its images; the message names it.
    """
    folder, found = PlanFolder(options.out.absolute()), set[tuple[str | None, ...]]()
    for step in unique(asked_for(options, checked)):
        if step.command not in (*WITH_CLASSES, TEST) or folder.done(step) is not None:
            continue
        names = (step.options["data"], step.options.get("val"))
        key = (TEST if step.command == TEST else None, *names)
        if key in found:
            continue
        found.add(key)
        data, val = (None if name is None else Path(name) for name in names)
        try:
            if step.command == TEST:
                validation_images(data or options.data)
            else:
                split(data or options.data, val, share=step.options["val_share"])
        except DataError as error:
            hint = (
                "" if options.labelled else f" Or give images with labels as {option('labelled')}."
            )
            raise DataError(f"step {step.name}: {error}{hint}") from None


def launcher(options: Ablate, folder: PlanFolder) -> Launcher:
    """This machine, or a cluster."""
    if not options.slurm:
        return Here(options.gpus)
    from fcmae.ablation.slurm import Jobs

    return Jobs(options.job, folder.jobs)


def searched(plan: Plan, space: Space, resolver: Resolver, runner: Runner) -> list[Cell]:
    """The points of a search, each tried."""
    from fcmae.ablation.search import search

    def worth(cells: Sequence[Cell]) -> Mapping[str, float | None]:
        settings = resolver.settings(at(plan, cells))
        link_all(settings, runner.folder)
        runner.run(settings)
        of_cell = {cell.name: [s for s in settings if s.cell == cell.name] for cell in cells}
        return {name: merit(plan, own, runner.folder) for name, own in of_cell.items()}

    storage, width = runner.folder.search, runner.launcher.places
    return search(plan.cells[0], space, storage, worth, seed=plan.seeds[0], width=width)


def at(plan: Plan, cells: Sequence[Cell]) -> Plan:
    """The same plan with other cells."""
    return replace(plan, cells=tuple(cells))


def standing(
    plan: Plan, settings: Sequence[Setting], folder: PlanFolder, *, write: bool
) -> Ablated:
    """Result of a plan so far."""
    steps, found = unique(settings), rows(plan, settings, folder)
    columns, lines = as_text(plan, found)
    table: dict[str, Path] = write_table(folder.root, plan, found) if write else {}
    return Ablated(
        title=plan.title,
        metric=str(plan.metric),
        best=best_of(plan),
        rows=found,
        columns=columns,
        lines=lines,
        steps=len(steps),
        done=sum(folder.done(step) is not None for step in steps),
        table=table,
        out=folder.root,
    )
