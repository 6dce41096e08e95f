"""Options of devices, precision, checkpoints and resuming."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Run:
    """Devices, precision, checkpoints."""

    seed: int = 0
    """Seeds the weights, the order of the images, augmentation and masks."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Kind of device; auto takes a GPU where there is one."""

    devices: int | None = None
    """Devices of this machine to use; by default all GPUs, or one process on the CPU. Under
    torchrun and SLURM there are as many as they start processes."""

    nodes: int = 1
    """Machines that take part, where no torchrun or SLURM tells how many."""

    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    """How several devices share the work: ddp copies the model, fsdp shards it."""

    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the matrix products; auto takes bfloat16 on devices that compute it natively.
    Weights, optimizer and statistics stay in float32."""

    kernels: Literal["auto", "reference", "native", "triton"] = "auto"
    """What computes convolutions, norms and GRN: reference is plain PyTorch, native is compiled for
    the CPU, triton for GPUs; auto takes native where it can, else the reference."""

    compile: bool = False
    """Run the model through torch.compile."""

    micro_batch: int | None = None
    """Images per device at a time; gradients accumulate up to the batch size. By default the whole
    share of the device at once."""

    checkpoint_every: int = 1
    """Epochs between checkpoints; the last step is always saved."""

    keep: int = 2
    """Newest checkpoints to keep, at least 2; the best one is kept beside them."""

    log_every: int = 10
    """Steps between lines of metrics.jsonl."""

    resume: bool = True
    """Go on from the newest intact checkpoint of the output directory, if there is one."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"run.seed is {self.seed}, but must be 0 or more.")
        for name in ("devices", "nodes", "micro_batch", "checkpoint_every", "log_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"run.{name} is {value}, but must be at least 1.")
        if self.keep < 2:
            raise ValueError(
                f"run.keep is {self.keep}, but must be at least 2: with one checkpoint, a damaged "
                "file would lose the run."
            )
