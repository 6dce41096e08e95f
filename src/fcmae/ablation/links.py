"""The cells as folders of links, as a person looks for them."""

from collections.abc import Sequence

from fcmae.ablation.folder import PlanFolder
from fcmae.ablation.plan import Plan
from fcmae.ablation.steps import Setting
from fcmae.ablation.table import best


def link_all(settings: Sequence[Setting], folder: PlanFolder) -> None:
    """Show the steps of settings; those that a choice changes have it in their names."""
    for setting in settings:
        chosen = "".join(
            f"@{n.rpartition('.')[2]}={x.replace('/', '-')}" for n, x in setting.choice.items()
        )
        folder.link(setting, {name: f"{name}{chosen}" for name in _changed(setting)})


def link_best(plan: Plan, settings: Sequence[Setting], folder: PlanFolder) -> None:
    """Give the steps of the best choice their plain names."""
    for cell in plan.cells:
        own = [setting for setting in settings if setting.cell == cell.name]
        for setting in best(plan, own, folder):
            if all(folder.done(step) is not None for step in setting.steps):
                folder.link(setting, {})


def _changed(setting: Setting) -> list[str]:
    """The steps that a choice is made for, and those that start from them."""
    changed = {name.partition(".")[0] for name in setting.choice}
    for step in setting.steps:
        if step.start is not None and step.start.name in changed:
            changed.add(step.name)
    return [step.name for step in setting.steps if step.name in changed]
