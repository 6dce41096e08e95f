"""Types of the functions of fcmae. Written by ``python -m fcmae.cli.stub``: do not edit."""

from collections.abc import (
    Mapping,
    Sequence,
)
from fcmae import (
    Ablate,
    Ablated,
    Analyze,
    Analyzed,
    Augment,
    Bench,
    BenchInput,
    BenchPretrain,
    Check,
    Checked,
    Compute,
    Contrast,
    ContrastOptions,
    Convert,
    Cost,
    Costs,
    Crop,
    DecoderOptions,
    Demo,
    Demonstrated,
    DetectorEvaluated,
    DetectorPredicted,
    DetectorTrained,
    Embed,
    Embedded,
    EncoderOptions,
    Estimated,
    EvaluateClassify,
    EvaluateDetect,
    EvaluateLinear,
    EvaluateNeighbours,
    EvaluateSegment,
    EvaluateValues,
    Evaluated,
    Export,
    Exported,
    Family,
    FinetuneClassify,
    FinetuneDetect,
    FinetuneSegment,
    FinetuneValues,
    Finetuned,
    FinetunedSegmenter,
    FinetunedValues,
    Grn,
    Info,
    InputBench,
    Jitter,
    Job,
    LabelMapOptions,
    Launch,
    Launched,
    Loader,
    MapOptions,
    Mask,
    MaskRCNN,
    ModelInfo,
    Monitor,
    Optim,
    Pack,
    PackMade,
    PredictClassify,
    PredictDetect,
    PredictSegment,
    PredictValues,
    Predicted,
    PredictedSegments,
    PredictedValues,
    Pretrain,
    Pretrained,
    Projection,
    Reconstruct,
    Reconstructed,
    Report,
    Reported,
    Run,
    Scan,
    SceneAugment,
    Segmented,
    Source,
    StepJob,
    Suppression,
    Target,
    Tiles,
    UPerNet,
    Views,
    Watch,
)
from fcmae.cli.functions import (
    options_of as options_of,
)
from fcmae.cli.load import (
    load as load,
)
from fcmae.data.source import (
    ImageSource,
)
from fcmae.options.signatures import (
    Config,
)
from fcmae.training.net_source import (
    NetSource,
)
from os import (
    PathLike,
)
from typing import (
    Any,
    Literal,
    overload,
)

def ablate(
    options: Ablate | None = None,
    /,
    *,
    config: Config = (),
    plan: str = ...,
    data: str | PathLike[str] = ...,
    labelled: str | PathLike[str] | None = None,
    out: str | PathLike[str] = ...,
    variant: str | None = None,
    set: str | Sequence[str] = ...,
    only: str | Sequence[str] = ...,
    seeds: int | Sequence[int] = ...,
    search: int | None = None,
    gpus: int | None = None,
    slurm: bool = False,
    dry_run: bool = False,
    job: StepJob | Mapping[str, Any] | None = None,
) -> Ablated:
    """Run a plan of controlled comparisons and put what they come to into a table.

    Steps that are the same in several cells are computed once. A plan that was stopped goes on
    where it was when the same command is given again; a cell that fails does not stop the others.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        plan: YAML file of a plan, or the name of one of the package, such as
            table-1-decoders. Must be given.
        data: Images of the steps without labels, and of all where labelled is not given.
            Must be given.
        labelled: Images of the steps that need labels: fine-tuning and evaluation.
        out: Folder for all runs, and for the table. Must be given.
        variant: A variant that the plan has, such as small.
        set: Options over those of the plan, each STEP.OPTION=VALUE, or common.OPTION=VALUE
            for every step that has it.
        only: Cells to compute; by default all.
        seeds: Seeds, over those of the plan.
        search: Points to try of the plan's space, over what the plan says.
        gpus: GPUs of this machine to give to one step each; by default one step has all
            there is.
        slurm: Compute each step as a job of a cluster.
        dry_run: Check the plan, say what would be computed, and stop.
        job: Resources of the SLURM job of each step (slurm true). A dataclass or a mapping
            of: name (fcmae), partition (None), account (None), hours (24.0), warning_s
            (300), nodes (1), gpus (1), cpus (8), memory_gb (None), at_once (32), cluster
            (slurm).

    Returns:
        Ablated: Result of a plan.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

def analyze(
    options: Analyze | None = None,
    /,
    *,
    config: Config = (),
    size: int | tuple[int, int] | None = None,
    source: Source | Mapping[str, Any] | None = None,
    loader: Loader | Mapping[str, Any] | None = None,
    run: Compute | Mapping[str, Any] | None = None,
    data: ImageSource = ...,
    weights: str | PathLike[str] = ...,
    out: str | PathLike[str] | None = None,
    compare: str | None = None,
    what: Literal["feature_distance", "class_selectivity", "inactive_channels", "effective_rank", "cka", "activation_maps", "nearest_neighbours", "pca", "tsne", "umap", "grad_cam", "mistakes"] | Sequence[Literal["feature_distance", "class_selectivity", "inactive_channels", "effective_rank", "cka", "activation_maps", "nearest_neighbours", "pca", "tsne", "umap", "grad_cam", "mistakes"]] | None = None,
    images: int = 256,
    rows: int = 8,
    k: int = 6,
    seed: int = 0,
    maps: MapOptions | Mapping[str, Any] | None = None,
    encoder: EncoderOptions | Mapping[str, Any] | None = None,
) -> Analyzed:
    """Look inside an encoder: is it healthy, what does it react to, which images are alike to it?

    Every picture has its numbers beside it, and analysis.json tells what each one shows.
    docs/analyze.md has the definitions.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        size: Side in pixels of the images, or height,width; by default what the weights
            were made for.
        source: Fetching published weights, where weights is a name such as
            timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
            (False), cache (None).
        loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
            (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
            (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
            0.456, 0.406)), std ((0.229, 0.224, 0.225)).
        run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
            precision (auto), kernels (auto), batch_size (64).
        data: Folder with one folder per class (or with a val folder of those, which is then
            taken), list, pack, or folder of images; without classes, what needs them is
            left out. Also an array n h w c, a list of images, or a data set. Must be given.
        weights: Folder of a run, weights file, the name of published weights, such as
            timm:NAME, or the name of a model, such as v1-atto, for one with random weights:
            random:timm:NAME for a net of timm. Must be given.
        out: Folder for pictures and numbers; by default analysis in the folder of the
            weights.
        compare: Another model to draw beside it, named in the same way; its blocks are
            compared with those of the first by linear CKA.
        what: Analyses to do; by default all that apply.
        images: Images to look at, at most: drawn by the seed, taken from all classes in
            turn.
        rows: Images on a sheet of neighbours or of Grad-CAM, and classes on a sheet of
            mistakes.
        k: Neighbours to show of each image.
        seed: Draws the images, the channels, and random weights.
        maps: Activation maps (figure 3 of the paper). A dataclass or a mapping of: image
            (None), blocks (None), channels (None).
        encoder: Options of an encoder beside its size. A dataclass or a mapping of:
            channels (None), stem (4), drop_path (0.0), checkpointing (False).

    Returns:
        Analyzed: Findings of analyses.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

class _Bench:
    """Times training steps, or the reading of images.

    The what is one of these, or the options dataclass of one:
        pretrain: Time one full training step: on visible patches, masked dense, and on whole images.
        input: Time reading, cropping and normalising of image files, next to torchvision's ImageFolder.

    The keywords are those of the one: see ``help(fcmae.bench.pretrain)``, which is the same
    as ``fcmae.bench('pretrain', ...)``.
    """

    @overload
    def __call__(
        self,
        what: Literal["pretrain"] | BenchPretrain = "pretrain",
        *,
        config: Config = (),
        model: Literal["atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge", "huge", "v1-atto", "v1-femto", "v1-pico", "v1-nano", "v1-tiny", "v1-small", "v1-base", "v1-large", "v1-xlarge", "v1-huge"] | Sequence[Literal["atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge", "huge", "v1-atto", "v1-femto", "v1-pico", "v1-nano", "v1-tiny", "v1-small", "v1-base", "v1-large", "v1-xlarge", "v1-huge"]] = ...,
        size: int | Sequence[int] = ...,
        ratio: float | Sequence[float] = ...,
        batch_size: int = 16,
        rounds: int = 5,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        run: Run | Mapping[str, Any] | None = None,
    ) -> Bench: ...

    @overload
    def __call__(
        self,
        what: Literal["input"] | BenchInput,
        *,
        config: Config = (),
        data: str | PathLike[str] = ...,
        packed: str | PathLike[str] | None = None,
        size: int | Sequence[int] = ...,
        repeats: int | Sequence[int] = ...,
        batch_size: int = 8,
        batches: int = 40,
        table: str | PathLike[str] | None = None,
        augment: Crop | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
    ) -> InputBench: ...

    @staticmethod
    def pretrain(
        options: BenchPretrain | None = None,
        /,
        *,
        config: Config = (),
        model: Literal["atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge", "huge", "v1-atto", "v1-femto", "v1-pico", "v1-nano", "v1-tiny", "v1-small", "v1-base", "v1-large", "v1-xlarge", "v1-huge"] | Sequence[Literal["atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge", "huge", "v1-atto", "v1-femto", "v1-pico", "v1-nano", "v1-tiny", "v1-small", "v1-base", "v1-large", "v1-xlarge", "v1-huge"]] = ...,
        size: int | Sequence[int] = ...,
        ratio: float | Sequence[float] = ...,
        batch_size: int = 16,
        rounds: int = 5,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        run: Run | Mapping[str, Any] | None = None,
    ) -> Bench:
        """Time one full training step: on visible patches, masked dense, and on whole images.

        The three take turns, so that a busy machine is unfair to none. Masked dense and whole images
        are computed by PyTorch's own operators; the step on whole images is that of the plain encoder,
        with no decoder behind it.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            model: Sizes of the encoder.
            size: Sides of the images in pixels.
            ratio: Shares of patches hidden.
            batch_size: Images per step.
            rounds: Timed turns of each; the median counts. Three turns before them, one of
                which tells the memory, are not counted.
            encoder: Options of an encoder beside its size. A dataclass or a mapping of:
                channels (None), stem (4), drop_path (0.0), checkpointing (False).
            run: Devices, precision, checkpoints. A dataclass or a mapping of: seed (0), device
                (auto), devices (1), nodes (1), strategy (auto), precision (auto), kernels
                (auto), compile (False), micro_batch (None), checkpoint_every (1), keep (2),
                log_every (10), resume (True).

        Returns:
            Bench: All settings, and what they were timed on.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def input(
        options: BenchInput | None = None,
        /,
        *,
        config: Config = (),
        data: str | PathLike[str] = ...,
        packed: str | PathLike[str] | None = None,
        size: int | Sequence[int] = ...,
        repeats: int | Sequence[int] = ...,
        batch_size: int = 8,
        batches: int = 40,
        table: str | PathLike[str] | None = None,
        augment: Crop | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
    ) -> InputBench:
        """Time reading, cropping and normalising of image files, next to torchvision's ImageFolder.

        First the pixels of fitting and exact decoding are compared; then the ways take turns, batch by
        batch. What counts is the time of one core, which other programs hardly change.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            data: Folder of images, read recursively, or a .txt or .csv list. Must be given.
            packed: The same images in a file made by `fcmae pack`, to be timed too.
            size: Sides of the crops in pixels.
            repeats: Crops per decoded image. Torchvision decodes anew for each.
            batch_size: Images per batch.
            batches: How many batches each way makes; the median counts. A first one is not
                counted.
            table: Table to write the rows to (.csv, .parquet or .npz), with processor, versions
                and commit.
            augment: The augmentation of pre-training: a random resized crop, and a flip. A
                dataclass or a mapping of: scale ((0.2, 1.0)), flip (True).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).

        Returns:
            InputBench: All settings, and what they were timed on.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

bench: _Bench

def check(
    options: Check | None = None,
    /,
    *,
    config: Config = (),
    data: str | PathLike[str] = ...,
    task: Literal["auto", "classify", "segment", "detect", "values"] = "auto",
    kind: Literal["labels", "numbers"] | None = None,
    unknown: float | None = None,
    picture: str | PathLike[str] | None = None,
    labels: LabelMapOptions | Mapping[str, Any] | None = None,
    loader: Loader | Mapping[str, Any] | None = None,
) -> Checked:
    """Open every image of a data set and read its labels; name what cannot be used.

    The exit code is 6 if a label is wrong or a file cannot be used (hidden and system files aside).

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        data: Folder of images, read recursively, a .txt or .csv list; or images with labels
            as fcmae finetune takes them. Must be given.
        task: What the images are labelled for; auto goes by what lies beside them.
        kind: What the columns of a list of values are, as for fcmae finetune values.
        unknown: Number that stands for a value that is not known, as for fcmae finetune
            values.
        picture: PNG file for the histograms of all channels.
        labels: Meaning of the numbers in label maps. A dataclass or a mapping of: classes
            (None), masks (None), numbers (None), ignore_index (None), reduce_zero_label
            (None).
        loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
            (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
            (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
            0.456, 0.406)), std ((0.229, 0.224, 0.225)).

    Returns:
        Checked: Contents of a data set.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

def contrast(
    options: Contrast | None = None,
    /,
    *,
    config: Config = (),
    data: ImageSource = ...,
    out: str | PathLike[str] = ...,
    weights: str | None | PathLike[str] = None,
    adapt: Literal["repeat", "average"] | None = None,
    model: Literal["atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge", "huge", "v1-atto", "v1-femto", "v1-pico", "v1-nano", "v1-tiny", "v1-small", "v1-base", "v1-large", "v1-xlarge", "v1-huge"] | None = None,
    size: int | tuple[int, int] = 224,
    encoder: EncoderOptions | Mapping[str, Any] | None = None,
    grn: Grn | Mapping[str, Any] | None = None,
    optim: Optim | Mapping[str, Any] | None = None,
    source: Source | Mapping[str, Any] | None = None,
    loader: Loader | Mapping[str, Any] | None = None,
    run: Run | Mapping[str, Any] | None = None,
    monitor: Watch | Mapping[str, Any] | None = None,
    contrast: ContrastOptions | Mapping[str, Any] | None = None,
    projection: Projection | Mapping[str, Any] | None = None,
    augment: Views | Mapping[str, Any] | None = None,
) -> Pretrained:
    """Pre-train an encoder by telling two views of an image from those of others (MoCo v3).

    No labels are needed. A run that was stopped goes on where it was when the same command is
    given again.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        data: Folder of images, read recursively, a .txt or .csv list, or a ZIP. Also an
            array n h w c, a list of images, or a data set. Must be given.
        out: Folder of the run: checkpoints, metrics, pictures, and the weights when it is
            done. Must be given.
        weights: Folder of a run, weights file, or the name of published weights, whose
            encoder, and other parts where they fit, to start from; left out: from scratch.
        adapt: Make the stem of the weights one for encoder.channels: repeat takes its
            channels in turn, average the mean of them for each; both times old / new
            channels.
        model: Size of the encoder: ConvNeXt V2, or with v1- before it ConvNeXt V1; by
            default that of the weights, or atto.
        size: Side in pixels of the views, or height,width: multiples of the encoder's
            stride.
        encoder: Options of an encoder beside its size. A dataclass or a mapping of:
            channels (None), stem (4), drop_path (0.0), checkpointing (False).
        grn: GRN in the encoder's blocks, or what stands in its place (tables 2 and 16 of
            the paper). A dataclass or a mapping of: kind (None), aggregation (None),
            normalization (None), residual (None), affine (None), stages (None).
        optim: AdamW under a schedule with warm-up. A dataclass or a mapping of: base_lr
            (0.00015), batch_size (256), epochs (300), warmup_epochs (None), schedule
            (cosine), milestones ((0.75, 0.9166666666666666)), min_lr (0.0), weight_decay
            (0.1), betas ((0.9, 0.999)), layer_decay (1.0), layer_decay_by (single),
            head_lr_scale (1.0), clip_grad (None), ema (None).
        source: Fetching published weights, where weights is a name such as
            timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
            (False), cache (None).
        loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
            (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
            (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
            0.456, 0.406)), std ((0.229, 0.224, 0.225)).
        run: Devices, precision, checkpoints. A dataclass or a mapping of: seed (0), device
            (auto), devices (None), nodes (1), strategy (auto), precision (auto), kernels
            (auto), compile (False), micro_batch (None), checkpoint_every (1), keep (2),
            log_every (10), resume (True).
        monitor: Looks at the model while it trains, to tell whether the run is any good. A
            dataclass or a mapping of: every (20), images (256), labelled (None).
        contrast: Contrastive loss between two views of an image (MoCo v3). A dataclass or a
            mapping of: temperature (0.2), momentum (0.99).
        projection: The layers that contrastive learning puts on the encoder; dropped
            afterwards. A dataclass or a mapping of: depth (3), predictor_depth (2), hidden
            (None), width (256).
        augment: The augmentation of contrastive learning: two views of an image, unlike
            each other. A dataclass or a mapping of: scale ((0.08, 1.0)), flip (True),
            jitter (0.8), strengths ((0.4, 0.4, 0.2, 0.1)), grey (0.2), blur ((1.0, 0.1)),
            blur_px ((0.1, 2.0)), solarize ((0.0, 0.2)).

    Returns:
        Pretrained: The result of a pre-training.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

def convert(
    options: Convert | None = None,
    /,
    *,
    config: Config = (),
    weights: str | PathLike[str] = ...,
    out: str | PathLike[str] = ...,
    to: Literal["safetensors", "official", "timm", "huggingface", "torchvision", "onnx", "torch-export"] = ...,
    part: Literal["classifier", "estimator", "segmenter", "detector", "encoder", "pyramid", "autoencoder"] | None = None,
    source: Source | Mapping[str, Any] | None = None,
) -> Exported:
    """Write a file of weights anew in the form of another library.

    The same as export, for weights that no run of fcmae has made.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        weights: Weights file of fcmae or another library, or name of published weights.
            Must be given.
        out: Folder to write. Must be given.
        to: The form to write. Must be given.
        part: What to write; by default the whole model where the format holds it, else its
            encoder.
        source: Fetching published weights, where weights is a name such as
            timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
            (False), cache (None).

    Returns:
        Exported: Files of an export.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

def cost(
    options: Cost | None = None,
    /,
    *,
    config: Config = (),
    model: Literal["atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge", "huge", "v1-atto", "v1-femto", "v1-pico", "v1-nano", "v1-tiny", "v1-small", "v1-base", "v1-large", "v1-xlarge", "v1-huge"] | Sequence[Literal["atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge", "huge", "v1-atto", "v1-femto", "v1-pico", "v1-nano", "v1-tiny", "v1-small", "v1-base", "v1-large", "v1-xlarge", "v1-huge"]] = ...,
    task: Literal["pretrain", "classify", "segment", "detect"] = "pretrain",
    size: int | Sequence[int] = ...,
    batch_size: int | Sequence[int] = ...,
    gpus: int = 8,
    precision: Literal["float32", "bfloat16"] = "bfloat16",
    average: bool = False,
    images: int = 1281167,
    epochs: int = 100,
    tflops: float = 312.0,
    utilisation: float = 0.3,
    runs: bool = False,
    encoder: EncoderOptions | Mapping[str, Any] | None = None,
) -> Costs:
    """Memory per GPU and GPU-hours of a training, from a model: nothing here is measured.

    The step is taken on shapes without values, with PyTorch's own operators. runs counts the runs
    of the paper, each at the size, epochs and data of its recipe.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        model: Sizes of the encoder.
        task: What is trained: an autoencoder, a classifier, UPerNet or Mask R-CNN.
        size: Sides of the images in pixels; by default that of the paper: 224, 512 to
            segment, 1024 to detect.
        batch_size: Images of a GPU at a time: run.micro_batch, or its share of
            optim.batch_size.
        gpus: GPUs that share the work.
        precision: Type of the matrix products.
        average: Whether the run averages its weights (optim.ema).
        images: Images of the data; by default those of ImageNet-1K.
        epochs: Passes over them.
        tflops: What the GPU could do: 312 is the data sheet's number for bfloat16 on an
            A100, 989 on an H100.
        utilisation: Share of that which is reached. It depends on the machine: measure it
            with a short run.
        runs: Count the GPU-hours of the paper's runs instead.
        encoder: Options of an encoder beside its size. A dataclass or a mapping of:
            channels (None), stem (4), drop_path (0.0), checkpointing (False).

    Returns:
        Costs: All sizes or runs, and what was assumed.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

def demo(
    options: Demo | None = None,
    /,
    *,
    config: Config = (),
    out: str | PathLike[str] = ...,
    quick: bool = False,
    run: Run | Mapping[str, Any] | None = None,
) -> Demonstrated:
    """Pre-train, fine-tune and compare with training from scratch, on real photographs.

    The photographs come with scikit-image, and each is a class. Crops of one part of it are learned
    from, crops of another part are tested on. It takes about four minutes on two cores.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        out: Folder for pictures, runs and weights.
        quick: Do everything in a few steps: to see that it works, not how well.
        run: Devices, precision, checkpoints. A dataclass or a mapping of: seed (0), device
            (auto), devices (1), nodes (1), strategy (auto), precision (auto), kernels
            (auto), compile (False), micro_batch (None), checkpoint_every (1), keep (2),
            log_every (10), resume (True).

    Returns:
        Demonstrated: Result of the demo.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

def embed(
    options: Embed | None = None,
    /,
    *,
    config: Config = (),
    size: int | tuple[int, int] | None = None,
    source: Source | Mapping[str, Any] | None = None,
    loader: Loader | Mapping[str, Any] | None = None,
    run: Compute | Mapping[str, Any] | None = None,
    data: ImageSource = ...,
    weights: str | PathLike[str] = ...,
    out: str | PathLike[str] = ...,
) -> Embedded:
    """Write the feature vector of each image, for search, clustering or a classifier of your own.

    It is what a classifier's head sees: the mean over positions, then a LayerNorm.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        size: Side in pixels of the images, or height,width; by default what the weights
            were made for.
        source: Fetching published weights, where weights is a name such as
            timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
            (False), cache (None).
        loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
            (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
            (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
            0.456, 0.406)), std ((0.229, 0.224, 0.225)).
        run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
            precision (auto), kernels (auto), batch_size (64).
        data: Images, folders (read recursively) and .txt or .csv lists, one or several.
            Also an array n h w c, a list of images, or a data set. Must be given.
        weights: Folder of a run, weights file, or the name of published weights. Must be
            given.
        out: Table to write: .npz, .parquet or .csv. Must be given.

    Returns:
        Embedded: Features that were written.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

class _Evaluate:
    """Measures a model, or the features of an encoder, on labelled images.

    The how is one of these, or the options dataclass of one:
        classify: Accuracy of a classifier on labelled images.
        detect: Average precision (COCO's) of a detector on labelled images.
        segment: Mean intersection over union of a segmenter on images with masks.
        values: Average precision of labels, or error of numbers, on images whose values are known.
        neighbours: Accuracy of weighted nearest neighbours on the features: no training at all.
        linear: Accuracy of a linear classifier on frozen features (logistic regression).

    The keywords are those of the one: see ``help(fcmae.evaluate.classify)``, which is the same
    as ``fcmae.evaluate('classify', ...)``.
    """

    @overload
    def __call__(
        self,
        how: Literal["classify"] | EvaluateClassify,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] | None = None,
    ) -> Evaluated: ...

    @overload
    def __call__(
        self,
        how: Literal["detect"] | EvaluateDetect,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        tiles: Tiles | Mapping[str, Any] | None = None,
        suppression: Suppression | Mapping[str, Any] | None = None,
        out: str | PathLike[str] | None = None,
        bad_labels: Literal["stop", "clip", "leave_out"] = "stop",
        crowds: Literal["ignore", "objects"] = "ignore",
    ) -> DetectorEvaluated: ...

    @overload
    def __call__(
        self,
        how: Literal["segment"] | EvaluateSegment,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] | None = None,
        labels: LabelMapOptions | Mapping[str, Any] | None = None,
        scan: Scan | Mapping[str, Any] | None = None,
    ) -> Segmented: ...

    @overload
    def __call__(
        self,
        how: Literal["values"] | EvaluateValues,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        unknown: float | None = None,
    ) -> Estimated: ...

    @overload
    def __call__(
        self,
        how: Literal["neighbours"] | EvaluateNeighbours,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        labels_per_class: int | None = None,
        seed: int = 0,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        k: int = 20,
        temperature: float = 0.07,
    ) -> Evaluated: ...

    @overload
    def __call__(
        self,
        how: Literal["linear"] | EvaluateLinear,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        labels_per_class: int | None = None,
        seed: int = 0,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
    ) -> Evaluated: ...

    @staticmethod
    def classify(
        options: EvaluateClassify | None = None,
        /,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] | None = None,
    ) -> Evaluated:
        """Accuracy of a classifier on labelled images.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            size: Side in pixels of the images, or height,width; by default what the weights
                were made for.
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
                precision (auto), kernels (auto), batch_size (64).
            data: Folder with one folder per class (or with a val folder of those, which is then
                taken), or a .csv list with columns path,label. Also an array n h w c, a list of
                images, or a data set. Must be given.
            weights: Folder of a run of fcmae finetune, weights file, or the name of published
                weights. Must be given.
            out: Folder for the confusion matrix as a picture and the table per class.

        Returns:
            Evaluated: Accuracy of a classification. Accuracies are shares between 0 and 1.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def detect(
        options: EvaluateDetect | None = None,
        /,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        tiles: Tiles | Mapping[str, Any] | None = None,
        suppression: Suppression | Mapping[str, Any] | None = None,
        out: str | PathLike[str] | None = None,
        bad_labels: Literal["stop", "clip", "leave_out"] = "stop",
        crowds: Literal["ignore", "objects"] = "ignore",
    ) -> DetectorEvaluated:
        """Average precision (COCO's) of a detector on labelled images.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            size: Height and width that images are fitted into, whichever way round suits them;
                by default what the weights were made for, or windows, where they were made for
                those.
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
                precision (auto), kernels (auto), batch_size (1).
            data: Images with labels: a COCO .json, a folder of COCO, YOLO or Pascal VOC (of
                which the part to validate on is taken), or a .yaml that names val. Also an
                array n h w c, a list of images, or a data set. Must be given.
            weights: Folder of a run of fcmae finetune detect, weights file, or the name of
                published weights. Must be given.
            tiles: Windows through which a detector looks at images that are much larger than
                its objects. A dataclass or a mapping of: size (None), overlap (None).
            suppression: Non-maximum suppression of overlapping boxes. A dataclass or a mapping
                of: method (soft), iou (0.5), min_score (0.05), most (100).
            out: Folder for what was found, as COCO writes results.
            bad_labels: What to do with labels that are wrong: stop; clip boxes at the border of
                their image, and stop for others; or leave all of them out. What was done is
                said.
            crowds: What to do with crowd regions (COCO's iscrowd, Pascal VOC's difficult):
                ignore them, as COCO does, or take them as objects.

        Returns:
            DetectorEvaluated: Average precision of a detector. Precisions are shares between 0
                and 1.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def segment(
        options: EvaluateSegment | None = None,
        /,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] | None = None,
        labels: LabelMapOptions | Mapping[str, Any] | None = None,
        scan: Scan | Mapping[str, Any] | None = None,
    ) -> Segmented:
        """Mean intersection over union of a segmenter on images with masks.

        Each image is looked at in its own size; the numbers come from one confusion matrix over all.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            size: Side in pixels of the windows where they slide, or height,width; by default
                that of the training crops.
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
                precision (auto), kernels (auto), batch_size (64).
            data: Folder with images and masks inside (of whose train and val the second is
                taken), or a .yaml that names those folders. Also an array n h w c, a list of
                images, or a data set. Must be given.
            weights: Folder of a run of fcmae finetune segment, weights file, or the name of
                published weights. Must be given.
            out: Folder for the confusion matrix as a picture and the table per class.
            labels: Meaning of the numbers in label maps. A dataclass or a mapping of: classes
                (None), masks (None), numbers (None), ignore_index (None), reduce_zero_label
                (None).
            scan: Options for segmenting an image. A dataclass or a mapping of: mode (whole),
                large (4000000), overlap (0.3333333333333333), short_side (None), scales
                ((1.0,)), flip (False).

        Returns:
            Segmented: Accuracy on pixels. Shares are between 0 and 1.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def values(
        options: EvaluateValues | None = None,
        /,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        unknown: float | None = None,
    ) -> Estimated:
        """Average precision of labels, or error of numbers, on images whose values are known.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            size: Side in pixels of the images, or height,width; by default what the weights
                were made for.
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
                precision (auto), kernels (auto), batch_size (64).
            data: A .csv list as fcmae finetune values takes it; of a column split, what is to
                validate on. Also an array n h w c, a list of images, or a data set. Must be
                given.
            weights: Folder of a run of fcmae finetune values, weights file, or the name of
                published weights. Must be given.
            unknown: Number that stands for a value that is not known, such as -1; empty cells
                always do.

        Returns:
            Estimated: Average precision of labels, or errors of numbers.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def neighbours(
        options: EvaluateNeighbours | None = None,
        /,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        labels_per_class: int | None = None,
        seed: int = 0,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        k: int = 20,
        temperature: float = 0.07,
    ) -> Evaluated:
        """Accuracy of weighted nearest neighbours on the features: no training at all.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            size: Side in pixels of the images, or height,width; by default what the weights
                were made for.
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
                precision (auto), kernels (auto), batch_size (64).
            data: Folder with one folder per class, or with train and val folders of those, or a
                .csv list. Also an array n h w c, a list of images, or a data set. Must be
                given.
            val: Images to test on, where they are not in data/val. Also an array n h w c, a
                list of images, or a data set.
            val_share: Share of each class to test on, where there are no images for that.
            weights: Folder of a run, weights file, or the name of published weights; left out,
                an untrained encoder is the baseline.
            adapt: Make the stem of the weights one for encoder.channels: repeat takes its
                channels in turn, average the mean of them for each; both times old / new
                channels.
            model: Size of the untrained encoder (atto), or timm:NAME for a net of timm.
            labels_per_class: Learn from so many labelled images of each class, drawn by the
                seed; by default from all.
            seed: Draws the untrained encoder and the labelled images.
            encoder: Options of an encoder beside its size. A dataclass or a mapping of:
                channels (None), stem (4), drop_path (0.0), checkpointing (False).
            k: How many neighbours vote.
            temperature: Sharpness of the vote: a neighbour counts exp(similarity /
                temperature).

        Returns:
            Evaluated: Accuracy of a classification. Accuracies are shares between 0 and 1.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def linear(
        options: EvaluateLinear | None = None,
        /,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        labels_per_class: int | None = None,
        seed: int = 0,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
    ) -> Evaluated:
        """Accuracy of a linear classifier on frozen features (logistic regression).

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            size: Side in pixels of the images, or height,width; by default what the weights
                were made for.
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
                precision (auto), kernels (auto), batch_size (64).
            data: Folder with one folder per class, or with train and val folders of those, or a
                .csv list. Also an array n h w c, a list of images, or a data set. Must be
                given.
            val: Images to test on, where they are not in data/val. Also an array n h w c, a
                list of images, or a data set.
            val_share: Share of each class to test on, where there are no images for that.
            weights: Folder of a run, weights file, or the name of published weights; left out,
                an untrained encoder is the baseline.
            adapt: Make the stem of the weights one for encoder.channels: repeat takes its
                channels in turn, average the mean of them for each; both times old / new
                channels.
            model: Size of the untrained encoder (atto), or timm:NAME for a net of timm.
            labels_per_class: Learn from so many labelled images of each class, drawn by the
                seed; by default from all.
            seed: Draws the untrained encoder, the labelled images, and the part that weight
                decay is chosen on.
            encoder: Options of an encoder beside its size. A dataclass or a mapping of:
                channels (None), stem (4), drop_path (0.0), checkpointing (False).

        Returns:
            Evaluated: Accuracy of a classification. Accuracies are shares between 0 and 1.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

evaluate: _Evaluate

def export(
    options: Export | None = None,
    /,
    *,
    config: Config = (),
    weights: str | PathLike[str] = ...,
    format: Literal["safetensors", "official", "timm", "huggingface", "torchvision", "onnx", "torch-export"] = ...,
    out: str | PathLike[str] | None = None,
    part: Literal["classifier", "estimator", "segmenter", "detector", "encoder", "pyramid", "autoencoder"] | None = None,
    size: int | tuple[int, int] | None = None,
    precision: Literal["float32", "float16"] = "float32",
    source: Source | Mapping[str, Any] | None = None,
) -> Exported:
    """Write a model for timm, transformers, torchvision, ONNX Runtime or the authors' code.

    Labels, normalisation, size, licence and origin travel along, and a README.md tells of them.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        weights: Folder of a run, weights file of fcmae or another library, or name of
            published weights, such as timm:convnextv2_tiny.fcmae. Must be given.
        format: For whom: safetensors is fcmae's own file; official is the authors' code,
            and with a decoder their MinkowskiEngine form; huggingface is transformers; onnx
            and torch-export are graphs that run without fcmae. Must be given.
        out: Folder to write; by default export/FORMAT beside the weights.
        part: What to write; by default the whole model where the format holds it, else its
            encoder.
        size: Side in pixels of the images, or height,width, that are written down as the
            model's; by default what the weights were made for.
        precision: Type of the numbers in an ONNX file; inputs and outputs stay float32.
        source: Fetching published weights, where weights is a name such as
            timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
            (False), cache (None).

    Returns:
        Exported: Files of an export.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

class _Finetune:
    """Trains a model for a task, from weights or from scratch.

    The task is one of these, or the options dataclass of one:
        classify: Train a classifier, from pre-trained weights or from scratch.
        detect: Train a detector (Mask R-CNN), from pre-trained weights or from scratch.
        segment: Train a segmenter, from pre-trained weights or from scratch.
        values: Learn several labels or numbers per image, from pre-trained weights or from scratch.

    The keywords are those of the one: see ``help(fcmae.finetune.classify)``, which is the same
    as ``fcmae.finetune('classify', ...)``.
    """

    @overload
    def __call__(
        self,
        task: Literal["classify"] | FinetuneClassify = "classify",
        *,
        config: Config = (),
        data: ImageSource = ...,
        out: str | PathLike[str] = ...,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        size: int | tuple[int, int] = 224,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        grn: Grn | Mapping[str, Any] | None = None,
        optim: Optim | Mapping[str, Any] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Run | Mapping[str, Any] | None = None,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        every: int = 1,
        test_size: int | tuple[int, int] | None = None,
        freeze: Literal["none", "encoder"] = "none",
        head_init_scale: float = 1.0,
        augment: Augment | Mapping[str, Any] | None = None,
        labels_per_class: int | None = None,
        head: Literal["fitting", "new"] = "fitting",
    ) -> Finetuned: ...

    @overload
    def __call__(
        self,
        task: Literal["detect"] | FinetuneDetect,
        *,
        config: Config = (),
        data: ImageSource = ...,
        out: str | PathLike[str] = ...,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        size: int | tuple[int, int] = 512,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        grn: Grn | Mapping[str, Any] | None = None,
        optim: Optim | Mapping[str, Any] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Run | Mapping[str, Any] | None = None,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        every: int = 1,
        repeats: int = 1,
        freeze_stages: int = 0,
        masks: bool | None = None,
        test_size: int | tuple[int, int] | None = None,
        bad_labels: Literal["stop", "clip", "leave_out"] = "stop",
        crowds: Literal["ignore", "objects"] = "ignore",
        head: MaskRCNN | Mapping[str, Any] | None = None,
        tiles: Tiles | Mapping[str, Any] | None = None,
        suppression: Suppression | Mapping[str, Any] | None = None,
        augment: Jitter | Mapping[str, Any] | None = None,
    ) -> DetectorTrained: ...

    @overload
    def __call__(
        self,
        task: Literal["segment"] | FinetuneSegment,
        *,
        config: Config = (),
        data: ImageSource = ...,
        out: str | PathLike[str] = ...,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        size: int | tuple[int, int] = 512,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        grn: Grn | Mapping[str, Any] | None = None,
        optim: Optim | Mapping[str, Any] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Run | Mapping[str, Any] | None = None,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        every: int = 1,
        repeats: int = 1,
        freeze_stages: int = 0,
        auxiliary_weight: float = 0.4,
        labels: LabelMapOptions | Mapping[str, Any] | None = None,
        head: UPerNet | Mapping[str, Any] | None = None,
        augment: SceneAugment | Mapping[str, Any] | None = None,
        scan: Scan | Mapping[str, Any] | None = None,
    ) -> FinetunedSegmenter: ...

    @overload
    def __call__(
        self,
        task: Literal["values"] | FinetuneValues,
        *,
        config: Config = (),
        data: ImageSource = ...,
        out: str | PathLike[str] = ...,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        size: int | tuple[int, int] = 224,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        grn: Grn | Mapping[str, Any] | None = None,
        optim: Optim | Mapping[str, Any] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Run | Mapping[str, Any] | None = None,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        every: int = 1,
        test_size: int | tuple[int, int] | None = None,
        freeze: Literal["none", "encoder"] = "none",
        head_init_scale: float = 1.0,
        augment: Augment | Mapping[str, Any] | None = None,
        kind: Literal["labels", "numbers"] | None = None,
        unknown: float | None = None,
    ) -> FinetunedValues: ...

    @staticmethod
    def classify(
        options: FinetuneClassify | None = None,
        /,
        *,
        config: Config = (),
        data: ImageSource = ...,
        out: str | PathLike[str] = ...,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        size: int | tuple[int, int] = 224,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        grn: Grn | Mapping[str, Any] | None = None,
        optim: Optim | Mapping[str, Any] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Run | Mapping[str, Any] | None = None,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        every: int = 1,
        test_size: int | tuple[int, int] | None = None,
        freeze: Literal["none", "encoder"] = "none",
        head_init_scale: float = 1.0,
        augment: Augment | Mapping[str, Any] | None = None,
        labels_per_class: int | None = None,
        head: Literal["fitting", "new"] = "fitting",
    ) -> Finetuned:
        """Train a classifier, from pre-trained weights or from scratch.

        A run that was stopped goes on where it was when the same command is given again.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            data: Folder with one folder per class, or with train and val folders of those, or a
                .csv list with columns path,label. Also an array n h w c, a list of images, or a
                data set. Must be given.
            out: Folder of the run: checkpoints, metrics, pictures, and the weights when it is
                done. Must be given.
            weights: Folder of a run, weights file, or the name of published weights, whose
                encoder, and other parts where they fit, to start from; left out: from scratch.
            adapt: Make the stem of the weights one for encoder.channels: repeat takes its
                channels in turn, average the mean of them for each; both times old / new
                channels.
            model: Size of the encoder, such as tiny (ConvNeXt V2) or v1-tiny (V1), or timm:NAME
                for a net of timm; by default that of the weights, or atto.
            size: Side in pixels of the images to train on, or height,width: multiples of the
                stride.
            encoder: Options of an encoder beside its size. A dataclass or a mapping of:
                channels (None), stem (4), drop_path (0.0), checkpointing (False).
            grn: GRN in the encoder's blocks, or what stands in its place (tables 2 and 16 of
                the paper). A dataclass or a mapping of: kind (None), aggregation (None),
                normalization (None), residual (None), affine (None), stages (None).
            optim: AdamW under a schedule with warm-up. A dataclass or a mapping of: base_lr
                (0.002), batch_size (64), epochs (100), warmup_epochs (None), schedule (cosine),
                milestones ((0.75, 0.9166666666666666)), min_lr (0.0), weight_decay (0.05),
                betas ((0.9, 0.999)), layer_decay (0.8), layer_decay_by (single), head_lr_scale
                (1.0), clip_grad (None), ema (None).
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices, precision, checkpoints. A dataclass or a mapping of: seed (0), device
                (auto), devices (None), nodes (1), strategy (auto), precision (auto), kernels
                (auto), compile (False), micro_batch (None), checkpoint_every (1), keep (2),
                log_every (10), resume (True).
            val: Images and labels to validate on, where the data have no part for it. Also an
                array n h w c, a list of images, or a data set.
            val_share: Share of the images (of each class) held out to validate on, where there
                are none for that.
            every: Epochs between two validations; the last epoch is always validated.
            test_size: Side in pixels of the images to validate on; by default the same.
            freeze: Parts that stay as they are; encoder trains the linear head alone.
            head_init_scale: Factor of a new head's first weights; the paper's fine-tuning
                recipes take 0.001.
            augment: The augmentation of supervised training. A dataclass or a mapping of: scale
                ((0.08, 1.0)), flip (True), rand_augment (rand-m9-mstd0.5-inc1), erase (0.25),
                mixup (0.8), cutmix (1.0), smoothing (0.1).
            labels_per_class: Train on so many images of each class, drawn by the seed; by
                default on all.
            head: Source of the head: fitting takes that of a classifier among the weights,
                where it tells the same classes apart (by their names, or their number where
                they have no names); new draws one.

        Returns:
            Finetuned: The result of training a classifier. Shares are between 0 and 1.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def detect(
        options: FinetuneDetect | None = None,
        /,
        *,
        config: Config = (),
        data: ImageSource = ...,
        out: str | PathLike[str] = ...,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        size: int | tuple[int, int] = 512,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        grn: Grn | Mapping[str, Any] | None = None,
        optim: Optim | Mapping[str, Any] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Run | Mapping[str, Any] | None = None,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        every: int = 1,
        repeats: int = 1,
        freeze_stages: int = 0,
        masks: bool | None = None,
        test_size: int | tuple[int, int] | None = None,
        bad_labels: Literal["stop", "clip", "leave_out"] = "stop",
        crowds: Literal["ignore", "objects"] = "ignore",
        head: MaskRCNN | Mapping[str, Any] | None = None,
        tiles: Tiles | Mapping[str, Any] | None = None,
        suppression: Suppression | Mapping[str, Any] | None = None,
        augment: Jitter | Mapping[str, Any] | None = None,
    ) -> DetectorTrained:
        """Train a detector (Mask R-CNN), from pre-trained weights or from scratch.

        A run that was stopped goes on where it was when the same command is given again.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            data: Images with labels: a COCO .json, a folder of COCO, YOLO, Pascal VOC or label
                images with a number for each object, or a .yaml that names train and val. Also
                an array n h w c, a list of images, or a data set. Must be given.
            out: Folder of the run: checkpoints, metrics, pictures, and the weights when it is
                done. Must be given.
            weights: Folder of a run, weights file, or the name of published weights, whose
                encoder, and other parts where they fit, to start from; left out: from scratch.
            adapt: Make the stem of the weights one for encoder.channels: repeat takes its
                channels in turn, average the mean of them for each; both times old / new
                channels.
            model: Size of the encoder, such as tiny (ConvNeXt V2) or v1-tiny (V1), or timm:NAME
                for a net of timm; by default that of the weights, or atto.
            size: Side in pixels of the views to train on, or height,width: multiples of the
                stride. Images are fitted into them; with tiles.size they keep their own size,
                and the views are parts of them.
            encoder: Options of an encoder beside its size. A dataclass or a mapping of:
                channels (None), stem (4), drop_path (0.0), checkpointing (False).
            grn: GRN in the encoder's blocks, or what stands in its place (tables 2 and 16 of
                the paper). A dataclass or a mapping of: kind (None), aggregation (None),
                normalization (None), residual (None), affine (None), stages (None).
            optim: AdamW under a schedule with warm-up. A dataclass or a mapping of: base_lr
                (0.0016), batch_size (16), epochs (36), warmup_epochs (None), schedule (steps),
                milestones ((0.75, 0.9166666666666666)), min_lr (0.0), weight_decay (0.05),
                betas ((0.9, 0.999)), layer_decay (0.9), layer_decay_by (single), head_lr_scale
                (1.0), clip_grad (1.0), ema (None).
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices, precision, checkpoints. A dataclass or a mapping of: seed (0), device
                (auto), devices (None), nodes (1), strategy (auto), precision (auto), kernels
                (auto), compile (False), micro_batch (None), checkpoint_every (1), keep (2),
                log_every (10), resume (True).
            val: Images and labels to validate on, where the data have no part for it. Also an
                array n h w c, a list of images, or a data set.
            val_share: Share of the images (of each class) held out to validate on, where there
                are none for that.
            every: Epochs between two validations; the last epoch is always validated.
            repeats: Views that are taken out of an image each time it is decoded. An epoch
                shows each image that often, so its number of steps grows with it; large images
                give more than one.
            freeze_stages: The stem and so many first stages of the encoder stay as they are.
            masks: Find outlines too; by default where the labels have them.
            test_size: Height and width that images are fitted into to validate, whichever way
                round suits them; by default the same. With tiles.size they are looked at
                through windows instead.
            bad_labels: Treatment of labels that are wrong: stop before training; clip boxes at
                the border of their image, and stop for others; or leave all of them out. What
                was done is said.
            crowds: Treatment of crowd regions (COCO's iscrowd, Pascal VOC's difficult): ignore
                them, as COCO does, or take them as objects, which is right where a tool marks
                every mask as a crowd.
            head: The heads of the detector (section A.3 of the paper). A dataclass or a mapping
                of: width (256), anchor (None), proposals (512).
            tiles: Windows through which a detector looks at images that are much larger than
                its objects. A dataclass or a mapping of: size (None), overlap (None).
            suppression: Non-maximum suppression of overlapping boxes. A dataclass or a mapping
                of: method (soft), iou (0.5), min_score (0.05), most (100).
            augment: The augmentation of detection: large-scale jitter, and a flip. A dataclass
                or a mapping of: scale (None), flip (True).

        Returns:
            DetectorTrained: The result of training a detector.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def segment(
        options: FinetuneSegment | None = None,
        /,
        *,
        config: Config = (),
        data: ImageSource = ...,
        out: str | PathLike[str] = ...,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        size: int | tuple[int, int] = 512,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        grn: Grn | Mapping[str, Any] | None = None,
        optim: Optim | Mapping[str, Any] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Run | Mapping[str, Any] | None = None,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        every: int = 1,
        repeats: int = 1,
        freeze_stages: int = 0,
        auxiliary_weight: float = 0.4,
        labels: LabelMapOptions | Mapping[str, Any] | None = None,
        head: UPerNet | Mapping[str, Any] | None = None,
        augment: SceneAugment | Mapping[str, Any] | None = None,
        scan: Scan | Mapping[str, Any] | None = None,
    ) -> FinetunedSegmenter:
        """Train a segmenter, from pre-trained weights or from scratch.

        A run that was stopped goes on where it was when the same command is given again.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            data: Folder with images and masks inside, each with or without train and val, or a
                .yaml that names those folders. A mask has the name of its image, and a class
                index in every pixel. Also an array n h w c, a list of images, or a data set.
                Must be given.
            out: Folder of the run: checkpoints, metrics, pictures, and the weights when it is
                done. Must be given.
            weights: Folder of a run, weights file, or the name of published weights, whose
                encoder, and other parts where they fit, to start from; left out: from scratch.
            adapt: Make the stem of the weights one for encoder.channels: repeat takes its
                channels in turn, average the mean of them for each; both times old / new
                channels.
            model: Size of the encoder, such as tiny (ConvNeXt V2) or v1-tiny (V1), or timm:NAME
                for a net of timm; by default that of the weights, or atto.
            size: Side in pixels of the crops to train on, or height,width: multiples of the
                stride.
            encoder: Options of an encoder beside its size. A dataclass or a mapping of:
                channels (None), stem (4), drop_path (0.0), checkpointing (False).
            grn: GRN in the encoder's blocks, or what stands in its place (tables 2 and 16 of
                the paper). A dataclass or a mapping of: kind (None), aggregation (None),
                normalization (None), residual (None), affine (None), stages (None).
            optim: AdamW under a schedule with warm-up. A dataclass or a mapping of: base_lr
                (0.0016), batch_size (16), epochs (100), warmup_epochs (None), schedule
                (linear), milestones ((0.75, 0.9166666666666666)), min_lr (0.0), weight_decay
                (0.05), betas ((0.9, 0.999)), layer_decay (0.9), layer_decay_by (stage),
                head_lr_scale (1.0), clip_grad (None), ema (None).
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices, precision, checkpoints. A dataclass or a mapping of: seed (0), device
                (auto), devices (None), nodes (1), strategy (auto), precision (auto), kernels
                (auto), compile (False), micro_batch (None), checkpoint_every (1), keep (2),
                log_every (10), resume (True).
            val: Images and labels to validate on, where the data have no part for it. Also an
                array n h w c, a list of images, or a data set.
            val_share: Share of the images (of each class) held out to validate on, where there
                are none for that.
            every: Epochs between two validations; the last epoch is always validated.
            repeats: Views that are taken out of an image each time it is decoded. An epoch
                shows each image that often, so its number of steps grows with it; large images
                give more than one.
            freeze_stages: The stem and so many first stages of the encoder stay as they are.
            auxiliary_weight: Factor of the auxiliary head's loss.
            labels: Meaning of the numbers in label maps. A dataclass or a mapping of: classes
                (None), masks (None), numbers (None), ignore_index (None), reduce_zero_label
                (None).
            head: The head of segmentation (section A.4 of the paper). A dataclass or a mapping
                of: width (512), auxiliary_width (256), dropout (0.1), norm (group).
            augment: The augmentation of segmentation: resize at random, crop, flip, change
                colours. A dataclass or a mapping of: short_side (None), scale ((0.5, 2.0)),
                most_of_one_class (0.75), flip (True), colour (True).
            scan: Options for segmenting an image. A dataclass or a mapping of: mode (whole),
                large (4000000), overlap (0.3333333333333333), short_side (None), scales
                ((1.0,)), flip (False).

        Returns:
            FinetunedSegmenter: The result of training a segmenter. Shares are between 0 and 1.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def values(
        options: FinetuneValues | None = None,
        /,
        *,
        config: Config = (),
        data: ImageSource = ...,
        out: str | PathLike[str] = ...,
        weights: str | None | PathLike[str] = None,
        adapt: Literal["repeat", "average"] | None = None,
        model: str | None = None,
        size: int | tuple[int, int] = 224,
        encoder: EncoderOptions | Mapping[str, Any] | None = None,
        grn: Grn | Mapping[str, Any] | None = None,
        optim: Optim | Mapping[str, Any] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Run | Mapping[str, Any] | None = None,
        val: ImageSource | None = None,
        val_share: float = 0.2,
        every: int = 1,
        test_size: int | tuple[int, int] | None = None,
        freeze: Literal["none", "encoder"] = "none",
        head_init_scale: float = 1.0,
        augment: Augment | Mapping[str, Any] | None = None,
        kind: Literal["labels", "numbers"] | None = None,
        unknown: float | None = None,
    ) -> FinetunedValues:
        """Learn several labels or numbers per image, from pre-trained weights or from scratch.

        A run that was stopped goes on where it was when the same command is given again.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            data: A .csv list with a column path and one for each label (0 or 1) or number; or
                with a column labels that names them with semicolons between. Empty cells are
                unknown; a column split may tell train from val. Also an array n h w c, a list
                of images, or a data set. Must be given.
            out: Folder of the run: checkpoints, metrics, pictures, and the weights when it is
                done. Must be given.
            weights: Folder of a run, weights file, or the name of published weights, whose
                encoder to start from; left out: from scratch.
            adapt: Make the stem of the weights one for encoder.channels: repeat takes its
                channels in turn, average the mean of them for each; both times old / new
                channels.
            model: Size of the encoder, such as tiny (ConvNeXt V2) or v1-tiny (V1), or timm:NAME
                for a net of timm; by default that of the weights, or atto.
            size: Side in pixels of the images to train on, or height,width: multiples of the
                stride.
            encoder: Options of an encoder beside its size. A dataclass or a mapping of:
                channels (None), stem (4), drop_path (0.0), checkpointing (False).
            grn: GRN in the encoder's blocks, or what stands in its place (tables 2 and 16 of
                the paper). A dataclass or a mapping of: kind (None), aggregation (None),
                normalization (None), residual (None), affine (None), stages (None).
            optim: AdamW under a schedule with warm-up. A dataclass or a mapping of: base_lr
                (0.002), batch_size (64), epochs (100), warmup_epochs (None), schedule (cosine),
                milestones ((0.75, 0.9166666666666666)), min_lr (0.0), weight_decay (0.05),
                betas ((0.9, 0.999)), layer_decay (0.8), layer_decay_by (single), head_lr_scale
                (1.0), clip_grad (None), ema (None).
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices, precision, checkpoints. A dataclass or a mapping of: seed (0), device
                (auto), devices (None), nodes (1), strategy (auto), precision (auto), kernels
                (auto), compile (False), micro_batch (None), checkpoint_every (1), keep (2),
                log_every (10), resume (True).
            val: Images and labels to validate on, where the data have no part for it. Also an
                array n h w c, a list of images, or a data set.
            val_share: Share of the images (of each class) held out to validate on, where there
                are none for that.
            every: Epochs between two validations; the last epoch is always validated.
            test_size: Side in pixels of the images to validate on; by default the same.
            freeze: Parts that stay as they are; encoder trains the linear head alone.
            head_init_scale: Factor of a new head's first weights; the paper's fine-tuning
                recipes take 0.001.
            augment: The augmentation of supervised training. A dataclass or a mapping of: scale
                ((0.08, 1.0)), flip (True), rand_augment (rand-m9-mstd0.5-inc1), erase (0.25),
                mixup (0.0), cutmix (0.0), smoothing (0.0).
            kind: Kind of the columns; by default labels where all values are 0 or 1, numbers
                where each column has others too. A mix must be said to be numbers.
            unknown: Number that stands for a value that is not known, such as -1; empty cells
                always do.

        Returns:
            FinetunedValues: The result of learning labels or numbers.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

finetune: _Finetune

def info(
    options: Info | None = None,
    /,
    *,
    config: Config = (),
    model: str | None = None,
    weights: str | None | PathLike[str] = None,
    size: int | tuple[int, int] | None = None,
    classes: int | None = None,
    encoder: EncoderOptions | Mapping[str, Any] | None = None,
    grn: Grn | Mapping[str, Any] | None = None,
    decoder: DecoderOptions | Mapping[str, Any] | None = None,
    source: Source | Mapping[str, Any] | None = None,
) -> ModelInfo | Family:
    """Parameters and operations of a model or of a weights file; without either, of all models.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        model: Size of the encoder, such as tiny (ConvNeXt V2) or v1-tiny (V1), or timm:NAME
            for a net of timm.
        weights: Folder of a run, weights file, or the name of published weights.
        size: Side in pixels of the images, or height,width, whose operations are counted;
            by default 224 or what the weights were made for.
        classes: Classes of the classifier that is counted; by default 1000 or what the
            weights have.
        encoder: Options of an encoder beside its size. A dataclass or a mapping of:
            channels (None), stem (4), drop_path (0.0), checkpointing (False).
        grn: GRN in the encoder's blocks, or what stands in its place (tables 2 and 16 of
            the paper). A dataclass or a mapping of: kind (None), aggregation (None),
            normalization (None), residual (None), affine (None), stages (None).
        decoder: The decoder of the autoencoder (table 1 of the paper); dropped after
            pre-training. A dataclass or a mapping of: kind (block), depth (1), width (512).
        source: Fetching published weights, where weights is a name such as
            timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
            (False), cache (None).

    Returns:
        ModelInfo or Family: Parts, parameters and cost of a model.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

def launch(
    options: Launch | None = None,
    /,
    *,
    config: Config = (),
    command: str | Sequence[str] = ...,
    gpus: int | None = None,
    slurm: bool = False,
    logs: str | PathLike[str] = ...,
    job: Job | Mapping[str, Any] | None = None,
) -> Launched:
    """Train in several processes: one for each GPU of this machine, or of a job for SLURM.

    What follows these options is the command to run. A process that dies ends all; the same line
    goes on from the newest checkpoint, also with another number of processes. On several machines
    without SLURM, start the command by torchrun.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        command: The command with its options, after all others and --, as in: fcmae launch
            --gpus 2 -- pretrain --data photos --out runs/pretrain. Must be given.
        gpus: Processes on this machine; by default as many as it has GPUs. With
            --run.device cpu in the command, processes on the CPU.
        slurm: Hand in a job for SLURM that goes back into the queue when its time is up,
            instead of starting anything here.
        logs: Folder for the state and the logs of SLURM's jobs; all machines have to see
            it.
        job: Resources of a SLURM job, for slurm. A dataclass or a mapping of: name (fcmae),
            partition (None), account (None), hours (24.0), warning_s (300), nodes (1), gpus
            (1), cpus (8), memory_gb (None).

    Returns:
        Launched: Result of a launch.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

def pack(
    options: Pack | None = None,
    /,
    *,
    config: Config = (),
    data: str | PathLike[str] = ...,
    out: str | PathLike[str] = ...,
    size: int | None = None,
    loader: Loader | Mapping[str, Any] | None = None,
) -> PackMade:
    """Put the images of a data set into one ZIP file, with their names and classes.

    Every command takes the file wherever it takes a folder, and any ZIP program opens it. Worth it
    where files are many and small on a slow file system, and with size where photographs are far
    larger than the crops.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        data: Folder of images, read recursively, a .txt or .csv list, a ZIP, or an older
            pack. Must be given.
        out: File to write; an earlier pack is replaced, but no file of others, nor one
            changed since. Must be given.
        size: Shorter side in pixels to which larger images of 8 bits are shrunk (and stored
            as JPEG); by default every file is packed as it is. At least the size to be
            trained at; an image that is cropped at random wants about twice as much.
        loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
            (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
            (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
            0.456, 0.406)), std ((0.229, 0.224, 0.225)).

    Returns:
        PackMade: Summary of a pack.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

class _Predict:
    """Writes what a trained model finds in images.

    The task is one of these, or the options dataclass of one:
        classify: Classify images: a table of the likeliest classes of each.
        detect: Find objects in images: boxes, masks, names and scores, drawn and written down.
        segment: Name the class of every pixel: masks, overlays with a legend, polygons.
        values: Tell the labels or numbers of images: a table with a column for each.

    The keywords are those of the one: see ``help(fcmae.predict.classify)``, which is the same
    as ``fcmae.predict('classify', ...)``.
    """

    @overload
    def __call__(
        self,
        task: Literal["classify"] | PredictClassify = "classify",
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] = ...,
        top: int = 5,
    ) -> Predicted: ...

    @overload
    def __call__(
        self,
        task: Literal["detect"] | PredictDetect,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] = ...,
        tiles: Tiles | Mapping[str, Any] | None = None,
        suppression: Suppression | Mapping[str, Any] | None = None,
        score: float = 0.5,
        pictures: bool = True,
        geojson: bool = True,
    ) -> DetectorPredicted: ...

    @overload
    def __call__(
        self,
        task: Literal["segment"] | PredictSegment,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] = ...,
        write: Literal["masks", "overlays", "polygons"] | Sequence[Literal["masks", "overlays", "polygons"]] = ...,
        scan: Scan | Mapping[str, Any] | None = None,
    ) -> PredictedSegments: ...

    @overload
    def __call__(
        self,
        task: Literal["values"] | PredictValues,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] = ...,
    ) -> PredictedValues: ...

    @staticmethod
    def classify(
        options: PredictClassify | None = None,
        /,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] = ...,
        top: int = 5,
    ) -> Predicted:
        """Classify images: a table of the likeliest classes of each.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            size: Side in pixels of the images, or height,width; by default what the weights
                were made for.
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
                precision (auto), kernels (auto), batch_size (64).
            data: Images, folders (read recursively) and .txt or .csv lists, one or several.
                Also an array n h w c, a list of images, or a data set. Must be given.
            weights: Folder of a run of fcmae finetune, weights file, or the name of published
                weights. Must be given.
            out: Table to write: .csv, .parquet or .npz (which also holds the probability of
                every class). One that an earlier call wrote is replaced, a file of others
                never. Must be given.
            top: Likeliest classes to name for each image, at most as many as there are.

        Returns:
            Predicted: Classes of images.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def detect(
        options: PredictDetect | None = None,
        /,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] = ...,
        tiles: Tiles | Mapping[str, Any] | None = None,
        suppression: Suppression | Mapping[str, Any] | None = None,
        score: float = 0.5,
        pictures: bool = True,
        geojson: bool = True,
    ) -> DetectorPredicted:
        """Find objects in images: boxes, masks, names and scores, drawn and written down.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            size: Height and width that images are fitted into, whichever way round suits them;
                by default what the weights were made for, or windows, where they were made for
                those.
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
                precision (auto), kernels (auto), batch_size (1).
            data: Images, folders (read recursively) and .txt or .csv lists, one or several.
                Also an array n h w c, a list of images, or a data set. Must be given.
            weights: Folder of a run of fcmae finetune detect, weights file, or the name of
                published weights. Must be given.
            out: Folder for detections.json (as COCO writes labels, with scores), the pictures,
                and an outline file for each image; those of an earlier call are replaced. Must
                be given.
            tiles: Windows through which a detector looks at images that are much larger than
                its objects. A dataclass or a mapping of: size (None), overlap (None).
            suppression: Non-maximum suppression of overlapping boxes. A dataclass or a mapping
                of: method (soft), iou (0.5), min_score (0.05), most (100).
            score: Lowest score of the objects that are drawn and written.
            pictures: Draw what was found over each image; over a reduced one, if it has more
                than loader.max_pixels.
            geojson: Write a GeoJSON file for each image: outlines, or boxes, in pixels from the
                upper left.

        Returns:
            DetectorPredicted: Objects in images.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def segment(
        options: PredictSegment | None = None,
        /,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] = ...,
        write: Literal["masks", "overlays", "polygons"] | Sequence[Literal["masks", "overlays", "polygons"]] = ...,
        scan: Scan | Mapping[str, Any] | None = None,
    ) -> PredictedSegments:
        """Name the class of every pixel: masks, overlays with a legend, polygons.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            size: Side in pixels of the windows where they slide, or height,width; by default
                that of the training crops.
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
                precision (auto), kernels (auto), batch_size (64).
            data: Images, folders (read recursively) and .txt or .csv lists, one or several.
                Also an array n h w c, a list of images, or a data set. Must be given.
            weights: Folder of a run of fcmae finetune segment, weights file, or the name of
                published weights. Must be given.
            out: Folder to write to, with a folder inside for each form; what an earlier call
                wrote there is replaced. Must be given.
            write: What to write: masks (PNG of class indices, with colours), overlays (the
                classes over the image), polygons (GeoJSON, in pixels from the upper left
                corner).
            scan: Options for segmenting an image. A dataclass or a mapping of: mode (whole),
                large (4000000), overlap (0.3333333333333333), short_side (None), scales
                ((1.0,)), flip (False).

        Returns:
            PredictedSegments: Classes of the pixels of images.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

    @staticmethod
    def values(
        options: PredictValues | None = None,
        /,
        *,
        config: Config = (),
        size: int | tuple[int, int] | None = None,
        source: Source | Mapping[str, Any] | None = None,
        loader: Loader | Mapping[str, Any] | None = None,
        run: Compute | Mapping[str, Any] | None = None,
        data: ImageSource = ...,
        weights: str | PathLike[str] = ...,
        out: str | PathLike[str] = ...,
    ) -> PredictedValues:
        """Tell the labels or numbers of images: a table with a column for each.

        Args:
            options: All options as one dataclass, in place of config; keywords win over its
                values.
            config: YAML file or name of a recipe, or several of which later ones win; keywords
                win over all.
            size: Side in pixels of the images, or height,width; by default what the weights
                were made for.
            source: Fetching published weights, where weights is a name such as
                timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
                (False), cache (None).
            loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
                (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
                (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
                0.456, 0.406)), std ((0.229, 0.224, 0.225)).
            run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
                precision (auto), kernels (auto), batch_size (64).
            data: Images, folders (read recursively) and .txt or .csv lists, one or several.
                Also an array n h w c, a list of images, or a data set. Must be given.
            weights: Folder of a run of fcmae finetune values, weights file, or the name of
                published weights. Must be given.
            out: Table to write: .csv, .parquet or .npz. A label's column holds its probability.
                Must be given.

        Returns:
            PredictedValues: Labels or numbers of images.

        Raises:
            ValueError: An option is unknown, missing or wrong.
            FcmaeError: Images, weights, memory or another process; its class says which.
        """

predict: _Predict

def pretrain(
    options: Pretrain | None = None,
    /,
    *,
    config: Config = (),
    data: ImageSource = ...,
    out: str | PathLike[str] = ...,
    weights: str | None | PathLike[str] = None,
    adapt: Literal["repeat", "average"] | None = None,
    model: NetSource | None = None,
    size: int | tuple[int, int] = 224,
    encoder: EncoderOptions | Mapping[str, Any] | None = None,
    grn: Grn | Mapping[str, Any] | None = None,
    optim: Optim | Mapping[str, Any] | None = None,
    source: Source | Mapping[str, Any] | None = None,
    loader: Loader | Mapping[str, Any] | None = None,
    run: Run | Mapping[str, Any] | None = None,
    monitor: Monitor | Mapping[str, Any] | None = None,
    repeats: int = 1,
    mask: Mask | Mapping[str, Any] | None = None,
    target: Target | Mapping[str, Any] | None = None,
    decoder: DecoderOptions | Mapping[str, Any] | None = None,
    augment: Crop | Mapping[str, Any] | None = None,
) -> Pretrained:
    """Pre-train an encoder by reconstructing hidden patches of images (FCMAE).

    No labels are needed. A run that was stopped goes on where it was when the same command is
    given again.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        data: Folder of images, read recursively, a .txt or .csv list, or a ZIP. Also an
            array n h w c, a list of images, or a data set. Must be given.
        out: Folder of the run: checkpoints, metrics, pictures, and the weights when it is
            done. Must be given.
        weights: Folder of a run, weights file, or the name of published weights, whose
            encoder, and other parts where they fit, to start from; left out: from scratch.
        adapt: Make the stem of the weights one for encoder.channels: repeat takes its
            channels in turn, average the mean of them for each; both times old / new
            channels.
        model: Size of the encoder, such as tiny (ConvNeXt V2) or v1-tiny (V1), or timm:NAME
            for a ConvNet of timm; by default that of the weights, or atto. Also a ConvNet
            of yours (a module, images to a feature map n c h w).
        size: Side in pixels of the crops to train on, or height,width: multiples of the
            mask's patch.
        encoder: Options of an encoder beside its size. A dataclass or a mapping of:
            channels (None), stem (4), drop_path (0.0), checkpointing (False).
        grn: GRN in the encoder's blocks, or what stands in its place (tables 2 and 16 of
            the paper). A dataclass or a mapping of: kind (None), aggregation (None),
            normalization (None), residual (None), affine (None), stages (None).
        optim: AdamW under a schedule with warm-up. A dataclass or a mapping of: base_lr
            (0.00015), batch_size (256), epochs (800), warmup_epochs (None), schedule
            (cosine), milestones ((0.75, 0.9166666666666666)), min_lr (0.0), weight_decay
            (0.05), betas ((0.9, 0.95)), layer_decay (1.0), layer_decay_by (single),
            head_lr_scale (1.0), clip_grad (None), ema (None).
        source: Fetching published weights, where weights is a name such as
            timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
            (False), cache (None).
        loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
            (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
            (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
            0.456, 0.406)), std ((0.229, 0.224, 0.225)).
        run: Devices, precision, checkpoints. A dataclass or a mapping of: seed (0), device
            (auto), devices (None), nodes (1), strategy (auto), precision (auto), kernels
            (auto), compile (False), micro_batch (None), checkpoint_every (1), keep (2),
            log_every (10), resume (True).
        monitor: Looks at the model while it trains, to tell whether the run is any good. A
            dataclass or a mapping of: every (20), images (256), labelled (None), pictures
            (8).
        repeats: Crops that are cut from an image each time it is decoded. An epoch shows
            each image that often, so its number of steps grows with it.
        mask: Masking of patches (section 3.1 of the paper). A dataclass or a mapping of:
            ratio (0.6), patch (None), pattern (random), convolution (sparse).
        target: Pixels of the hidden patches (section 3.1 of the paper). A dataclass or a
            mapping of: normalize (True), groups (None), over (hidden), visible_weight
            (0.0).
        decoder: The decoder of the autoencoder (table 1 of the paper); dropped after
            pre-training. A dataclass or a mapping of: kind (block), depth (1), width (512).
        augment: The augmentation of pre-training: a random resized crop, and a flip. A
            dataclass or a mapping of: scale ((0.2, 1.0)), flip (True).

    Returns:
        Pretrained: The result of a pre-training.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

def reconstruct(
    options: Reconstruct | None = None,
    /,
    *,
    config: Config = (),
    size: int | tuple[int, int] | None = None,
    source: Source | Mapping[str, Any] | None = None,
    loader: Loader | Mapping[str, Any] | None = None,
    run: Compute | Mapping[str, Any] | None = None,
    data: ImageSource = ...,
    weights: str | PathLike[str] = ...,
    out: str | PathLike[str] = ...,
    images: int = 16,
    rows: int = 8,
    ratio: float | None = None,
    seed: int = 0,
) -> Reconstructed:
    """Draw images, what the encoder sees of them, and what the model reconstructs.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        size: Side in pixels of the images, or height,width; by default what the weights
            were made for.
        source: Fetching published weights, where weights is a name such as
            timm:convnextv2_tiny.fcmae. A dataclass or a mapping of: sha256 (None), offline
            (False), cache (None).
        loader: Reading of files. A dataclass or a mapping of: workers (None), timeout_s
            (120.0), max_unusable (0.01), decode (fitting), max_pixels (64000000), max_bytes
            (268435456), nodata (None), planes (first), statistics (auto), mean ((0.485,
            0.456, 0.406)), std ((0.229, 0.224, 0.225)).
        run: Devices and precision. A dataclass or a mapping of: device (auto), devices (1),
            precision (auto), kernels (auto), batch_size (64).
        data: Images, folders (read recursively) and .txt or .csv lists, one or several.
            Also an array n h w c, a list of images, or a data set. Must be given.
        weights: Folder of a run of fcmae pretrain, or file of weights with a decoder. Must
            be given.
        out: Folder for the pictures. Must be given.
        images: Images to draw at most, taken at random by the seed.
        rows: Images per picture.
        ratio: Share of patches hidden; by default that of the pre-training.
        seed: Draws images and masks.

    Returns:
        Reconstructed: Pictures of reconstructions.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """

def report(
    options: Report | None = None,
    /,
    *,
    config: Config = (),
    runs: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
    out: str | PathLike[str] = ...,
) -> Reported:
    """Show runs in one HTML page: what was run, curves, pictures, tables, environment.

    The page holds all it needs, so it opens from a disk and may be sent to others. Runs of any
    kind stand side by side, and one that is unfinished or damaged is shown with what there is.

    Args:
        options: All options as one dataclass, in place of config; keywords win over its
            values.
        config: YAML file or name of a recipe, or several of which later ones win; keywords
            win over all.
        runs: Folders of runs, the out of pretrain, contrast or finetune. Must be given.
        out: The page; an earlier one is replaced, but no file of others, nor one changed
            since.

    Returns:
        Reported: Path of the report, and gaps of the runs.

    Raises:
        ValueError: An option is unknown, missing or wrong.
        FcmaeError: Images, weights, memory or another process; its class says which.
    """
