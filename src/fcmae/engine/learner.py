"""Holds the model on its device, its optimizer and its average."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from fcmae.checkpoint.store import Saved
from fcmae.data.batch import Batch
from fcmae.engine import devices, state
from fcmae.engine.check_task import checked_step
from fcmae.engine.options import Run
from fcmae.optim.average import Average
from fcmae.optim.build import build_optimizer
from fcmae.optim.groups import parameter_groups
from fcmae.optim.options import Optim
from fcmae.optim.schedule import set_learning_rate
from fcmae.task import Task


class Learner:
    """A task's model in training.

    Args:
        fabric: The processes that train it.
        task: The model and what one step means.
        optim: Optimizer, clipping, average.
        run: Sharding, compilation.
        evaluates: Whether ``evaluated_model`` will be asked for.
    """

    def __init__(
        self, fabric: Fabric, task: Task, optim: Optim, run: Run, *, evaluates: bool
    ) -> None:
        self.fabric, self.task, self.optim = fabric, task, optim
        self.model = task.model
        # Averaged and sharded weights are evaluated in a model of their own, so that the trained
        # one is never touched; it has to be copied before it is sharded or compiled.
        apart = evaluates and (optim.ema is not None or run.strategy == "fsdp")
        self._apart = copy.deepcopy(task.model).to(fabric.device) if apart else None
        if run.compile:
            task.model.compile()
        self.module = devices.wrap(fabric, _Plain(task)).train()
        self.groups = parameter_groups(task.model, optim)
        self.parameters = [p for group in self.groups for p in group.params]
        self.scaler = devices.scaler(fabric)
        self.optimizer = build_optimizer(
            self.groups, optim, fabric.device, fused=self.scaler is None
        )
        self.average = Average(task.model, optim.ema) if optim.ema is not None else None

    def loss(self, batch: Batch, *, weight: float, last: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and logs of a micro-batch, its gradients added to those of the step.

        Args:
            batch: The micro-batch.
            weight: Its part in the gradient.
            last: Whether it ends the step, so that gradients go to the other processes.
        """
        with devices.hold_back_gradients(self.module, not last):
            with self.fabric.autocast():
                loss, logs = self.module(batch.to(self.fabric.device))
            self.fabric.backward(loss * weight)
        return loss.detach(), logs

    def may_overflow(self) -> bool:
        """True if a gradient that is not finite is float16's, and its scaler's to deal with.

        When the scale has come down this far, the gradient itself is broken.
        """
        return self.scaler is not None and self.scaler.get_scale() >= 1

    def gradient_norm(self) -> Tensor:
        """Norm of the whole gradient."""
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        return devices.whole(torch.nn.utils.get_total_norm(gradients))

    def update(self, rate: float, norm: Tensor) -> None:
        """Clip the gradient, move the weights, then their average."""
        if self.optim.clip_grad is not None:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.optim.clip_grad, norm)
        set_learning_rate(self.optimizer, rate)
        self.fabric.strategy.optimizer_step(self.optimizer)
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update(self.model)

    def parts(self) -> state.StateParts:
        """Everything to be saved, as it is."""
        return state.collect(self.model, self.optimizer, self.average)

    def result(self) -> tuple[str, Mapping[str, Tensor]]:
        """The weights to use, as they are, and what they are."""
        if self.average is not None:
            return "average", self.average.state_dict()
        return "trained", self.model.state_dict()

    def checkpoint_bytes(self) -> int:
        """About how large a checkpoint is: weights, two moments of each, and the average."""
        weights: int = sum(x.numel() * x.element_size() for x in self.model.state_dict().values())
        return weights * (3 if self.average is None else 4)

    def restore(self, saved: Saved) -> None:
        """Go on from a checkpoint."""
        state.restore(saved, self.model, self.optimizer, self.average)
        if self.scaler is not None:
            self.scaler.load_state_dict(saved.facts["scaler"])

    def scaler_state(self) -> dict[str, Any]:
        """State of float16's loss scaling."""
        return {} if self.scaler is None else dict(self.scaler.state_dict())

    @contextmanager
    def evaluated_model(self) -> Iterator[nn.Module]:
        """The model to evaluate, with averaged weights where there are any, in eval mode."""
        if self._apart is not None:
            state.copy_whole(self.result()[1], self._apart)
            yield self._apart.eval()
            return
        self.task.eval()
        try:
            yield self.model
        finally:
            self.task.train()


class _Plain(nn.Module):
    """A task whose outcome is a tuple: DDP and FSDP look for tensors in tuples and dicts only."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        step = checked_step(self.task, self.task(batch))
        return step.loss, {name: torch.as_tensor(x).detach() for name, x in step.logs.items()}
