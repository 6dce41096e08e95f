"""Commands that look at models, runs and data, and tools."""

from fcmae.cli.ablate.ablate import Ablate, ablate, show_ablated
from fcmae.cli.command import Command
from fcmae.cli.datasets.check import Check, check, show_checked
from fcmae.cli.datasets.pack import Pack, pack, show_packed
from fcmae.cli.demo.demo import Demo, demo
from fcmae.cli.demo.table import show_demonstrated
from fcmae.cli.info import Info, info, show_info
from fcmae.cli.launch.launch import Launch, launch, show_launched
from fcmae.cli.report import Report, report, show_reported
from fcmae.cli.show.analysis import show_analyzed
from fcmae.cli.show.costs import show_bench, show_costs, show_input_bench
from fcmae.cli.show.pretraining import show_reconstructed
from fcmae.costs.commands import bench_input, bench_pretrain, cost
from fcmae.costs.cost import Cost
from fcmae.costs.input import BenchInput
from fcmae.costs.pretraining import BenchPretrain
from fcmae.inference.analyze.analyze import analyze
from fcmae.inference.analyze.options import Analyze
from fcmae.inference.reconstruct import Reconstruct, reconstruct

COMMANDS: dict[str, Command] = {
    "demo": Command(
        options=Demo,
        run=demo,
        show=show_demonstrated,
        example="fcmae demo",
        purpose="tools",
        common="out quick",
    ),
    "check": Command(
        options=Check,
        run=check,
        show=show_checked,
        sound=lambda checked: checked.sound,
        example="fcmae check photos",
        purpose="data",
        common="task",
        positional=("data",),
    ),
    "pack": Command(
        options=Pack,
        run=pack,
        show=show_packed,
        example="fcmae pack --data photos --out photos.zip --size 512",
        purpose="data",
        common="size loader.workers",
    ),
    "info": Command(
        options=Info,
        run=info,
        show=show_info,
        example="fcmae info --model tiny --size 384",
        purpose="tools",
        common="model weights size encoder.channels",
    ),
    "cost": Command(
        options=Cost,
        run=cost,
        show=show_costs,
        example="fcmae cost --model base huge --batch_size 32 --gpus 16",
        purpose="tools",
        common="model task size batch_size gpus precision images epochs",
    ),
    "reconstruct": Command(
        options=Reconstruct,
        run=reconstruct,
        show=show_reconstructed,
        example="fcmae reconstruct --data photos --weights runs/pretrain --out pictures",
        purpose="look",
        common="images ratio size run.device",
    ),
    "report": Command(
        options=Report,
        run=report,
        show=show_reported,
        example="fcmae report runs/pretrain runs/classify --out report.html",
        purpose="look",
        common="out",
        positional=("runs",),
    ),
    "ablate": Command(
        options=Ablate,
        run=ablate,
        show=show_ablated,
        example="fcmae ablate table-1-decoders --data imagenet --out ablations/decoders",
        purpose="look",
        common="only set seeds gpus slurm dry_run",
        positional=("plan",),
    ),
    "analyze": Command(
        options=Analyze,
        run=analyze,
        show=show_analyzed,
        example="fcmae analyze runs/pretrain --data labelled",
        purpose="look",
        common="what compare out images size run.device",
        positional=("weights",),
    ),
    "launch": Command(
        options=Launch,
        run=launch,
        show=show_launched,
        example="fcmae launch --gpus 8 -- pretrain --data photos --out runs/pretrain",
        purpose="tools",
        common="gpus slurm job.partition",
        rest="command",
    ),
    "bench pretrain": Command(
        options=BenchPretrain,
        run=bench_pretrain,
        show=show_bench,
        example="fcmae bench pretrain --model atto tiny --size 224 --ratio 0.6",
        purpose="tools",
        common="model size ratio batch_size run.device",
    ),
    "bench input": Command(
        options=BenchInput,
        run=bench_input,
        show=show_input_bench,
        example="fcmae bench input --data photos --size 224",
        purpose="tools",
        common="packed size batch_size loader.workers",
    ),
}
