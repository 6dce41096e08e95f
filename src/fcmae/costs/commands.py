"""Models and measures what trainings cost; options are checked before PyTorch is imported."""

from fcmae.costs.cost import Cost, Costs
from fcmae.costs.input import BenchInput, InputBench
from fcmae.costs.pretraining import Bench, BenchPretrain
from fcmae.data.listing import find_images
from fcmae.engine.report import Reporter
from fcmae.files.results import check_table


def cost(options: Cost, reporter: Reporter) -> Costs:
    """Models memory and GPU-hours of every size, or of every run of the paper."""
    from fcmae.costs.cost_model import count, count_runs

    return count_runs(options, reporter) if options.runs else count(options, reporter)


def bench_input(options: BenchInput, reporter: Reporter) -> InputBench:
    """Times the reading of images for every combination of the options.

    Raises:
        DataError: There are no images.
        StorageError: The table cannot be written there.
    """
    if options.table is not None:
        check_table(options.table, "table", sources=[options.data])
    images = find_images(options.data, labels=False)
    packed = None if options.packed is None else find_images(options.packed, labels=False)
    from fcmae.costs.input_timing import measure

    return measure(options, images, packed, reporter)


def bench_pretrain(options: BenchPretrain, reporter: Reporter) -> Bench:
    """Times a step of pre-training for every combination of the options."""
    from fcmae.costs.pretraining_timing import measure

    return measure(options, reporter)
