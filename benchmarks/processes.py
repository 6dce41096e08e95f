"""The step against the number of processes that share the work, each with images of its own.

    python benchmarks/processes.py --processes 1 2
    python benchmarks/processes.py --device cuda --model base --batch 128 --processes 1 2 4 8

Data parallel (DDP), over gloo on the CPU with one thread for each process, over NCCL on GPUs. If
nothing were lost, a step would take as long with any number. Rows go to
``benchmarks/results/processes.csv``.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import steps
import timing
import torch
import torch.distributed as dist
from torch import multiprocessing
from torch.nn.parallel import DistributedDataParallel

from fcmae.engine.memory import keep_freed_memory
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import architecture


def main() -> None:
    """Each number of processes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--model", default="atto")
    parser.add_argument("--type", choices=steps.TYPES, default="bfloat16")
    parser.add_argument("--batch", type=int, default=32, help="images of each process")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    timing.write("processes", rows(parser.parse_args()))


def rows(args: argparse.Namespace) -> Iterator[timing.Row]:
    """One for each number of processes."""
    for processes in args.processes:
        with tempfile.TemporaryDirectory() as folder:
            multiprocessing.spawn(work, (processes, args, folder), nprocs=processes)
            seconds = float((Path(folder) / "seconds").read_text())
        device = torch.device(args.device)
        yield {
            "model": args.model, "type": args.type, "batch of each": args.batch,
            "processes": processes, "ms": f"{1000 * seconds:.2f}",
            "images_per_s": f"{processes * args.batch / seconds:.2f}",
            **timing.origin(device), "threads": 1,
        }  # fmt: skip


def work(rank: int, processes: int, args: argparse.Namespace, folder: str) -> None:
    """One of the processes; the first writes down its median step."""
    keep_freed_memory()
    device = torch.device(args.device, rank) if args.device == "cuda" else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(1)
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=f"file://{folder}/meeting", rank=rank, world_size=processes,
    )  # fmt: skip
    torch.manual_seed(0)
    setting = steps.Setting(model=args.model, type=args.type, batch=args.batch, size=args.size)
    net = Autoencoder(architecture(args.model)).to(device)
    shared = DistributedDataParallel(net)
    images = torch.randn(args.batch, 3, setting.size, setting.size, device=device)
    visible = steps.drawn(setting, net).to(device)
    step = steps.train(
        shared, lambda: shared(images, visible).loss,
        type_=steps.TYPES[args.type], kernels=steps.fast(device),
    )  # fmt: skip
    seconds = timing.in_turns({"step": step}, args.rounds, device)["step"]
    if rank == 0:
        (Path(folder) / "seconds").write_text(str(seconds))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
