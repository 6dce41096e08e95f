"""Command lines that cannot work: what each must say, and the code it must end with.

{root} is the folder of the fixture ``places``, {out} a folder that may be written.
"""

PRETRAIN = "pretrain --data {root}/labelled --out {out}"
FINETUNE = "finetune classify --data {root}/labelled --out {out}"
NEIGHBOURS = "evaluate neighbours --data {root}/labelled"
PREDICT = "predict classify --data {root}/labelled --weights {root}/classifier.safetensors"
EMBED = "embed --data {root}/labelled --weights {root}/pretrained.safetensors"
RECONSTRUCT = (
    "reconstruct --data {root}/labelled --weights {root}/pretrained.safetensors --out {out}"
)

BAD_LINES: list[tuple[str, int, str]] = [
    # Commands.
    ("pretrian", 2, "there is no command 'pretrian'. Did you mean pretrain?"),
    ("xyz", 2, "there is no command 'xyz'. The commands are"),
    ("finetune", 2, "fcmae finetune needs classify after it, as in fcmae finetune classify."),
    ("finetune clasify", 2, "not 'clasify'. Did you mean classify?"),
    ("evaluate --data x", 2, "needs classify or neighbours or linear after it"),
    ("--data x", 2, "there is no command '--data'"),
    # Options and their names.
    ("pretrain", 2, "--data and --out must be given. data: Folder of images"),
    ("pretrain --out {out}", 2, "--data must be given"),
    (
        f"{PRETRAIN} --mask.ratoi 0.5",
        2,
        "there is no option --mask.ratoi. Did you mean --mask.ratio?",
    ),
    (f"{PRETRAIN} --epochs 3", 2, "there is no option --epochs. Did you mean --optim.epochs?"),
    (f"{PRETRAIN} --epoch 3", 2, "Did you mean --optim.epochs?"),
    (f"{PRETRAIN} --seed 3", 2, "Did you mean --run.seed?"),
    (f"{PRETRAIN} --confg x", 2, "Did you mean --config?"),
    (f"{PRETRAIN} --mask 0.5", 2, "--mask is a group of options: --mask.ratio, --mask.patch."),
    (f"{PRETRAIN} --zzz", 2, "there is no option --zzz. --help lists all."),
    (f"{PRETRAIN} --size", 2, "--size needs a value after it."),
    (f"{PRETRAIN} --config", 2, "--config needs a value after it."),
    (f"{PRETRAIN} surplus", 2, "'surplus' was not expected here"),
    (f"{PRETRAIN} -x", 2, "'-x' was not expected here"),
    # Values of the wrong type.
    (f"{PRETRAIN} --model atoo", 2, "model is 'atoo', but must be one of atto, femto"),
    (f"{PRETRAIN} --model v1atto", 2, "Did you mean v1-atto?"),
    (f"{PRETRAIN} --size big", 2, "size is 'big', but must be a whole number or two whole numbers"),
    (f"{PRETRAIN} --size 64,64,64", 2, "two whole numbers such as [224,224]"),
    (f"{PRETRAIN} --optim.epochs 1.5", 2, "optim.epochs is '1.5', but must be a whole number."),
    (f"{PRETRAIN} --optim.epochs null", 2, "optim.epochs is 'null', but must be a whole number."),
    (f"{PRETRAIN} --optim.base_lr fast", 2, "optim.base_lr is 'fast', but must be a number."),
    (f"{PRETRAIN} --optim.base_lr nan", 2, "optim.base_lr is 'nan', but must be a number."),
    (f"{PRETRAIN} --optim.base_lr .inf", 2, "optim.base_lr is inf, but must be a finite number."),
    (f"{PRETRAIN} --optim.base_lr 1e999", 2, "optim.base_lr is inf, but must be a finite number."),
    (f"{PRETRAIN} --optim.betas 0.9", 2, "optim.betas is '0.9', but must be two numbers"),
    (f"{PRETRAIN} --augment.flip maybe", 2, "augment.flip is 'maybe', but must be true or false."),
    (f"{PRETRAIN} --encoder.stem 3", 2, "encoder.stem is '3', but must be one of 4, 2, 1."),
    (f"{PRETRAIN} --run.device gpu", 2, "run.device is 'gpu', but must be one of auto, cpu, cuda"),
    (f"{PRETRAIN} --run.precision bf16", 2, "run.precision is 'bf16', but must be one of"),
    (f"{PRETRAIN} --data=", 2, "data is empty, but must be a path."),
    # Values out of range.
    (f"{PRETRAIN} --mask.ratio 0", 2, "mask.ratio is 0.0, but must lie strictly between 0 and 1"),
    (f"{PRETRAIN} --mask.ratio 1", 2, "mask.ratio is 1.0, but must lie strictly between 0 and 1"),
    (f"{PRETRAIN} --mask.ratio -0.2", 2, "mask.ratio is -0.2"),
    (f"{PRETRAIN} --mask.patch 0", 2, "mask.patch is 0"),
    (f"{PRETRAIN} --mask.patch 48", 2, "mask.patch is 48, but must be the encoder's stride"),
    (f"{PRETRAIN} --size 200", 2, "The nearest size that fits is 192 x 192."),
    (f"{PRETRAIN} --size 32", 2, "hold a single patch"),
    (f"{PRETRAIN} --size 0", 2, "size is 0 x 0 pixels"),
    (f"{PRETRAIN} --size 64,-64", 2, "size is 64 x -64 pixels"),
    (f"{PRETRAIN} --repeats 0", 2, "repeats is 0, but must be at least 1."),
    (f"{PRETRAIN} --optim.epochs 0", 2, "optim.epochs is 0, but must be at least 1."),
    (f"{PRETRAIN} --optim.warmup_epochs 900", 2, "longer than the whole run"),
    (f"{PRETRAIN} --optim.layer_decay 0", 2, "optim.layer_decay is 0.0"),
    (f"{PRETRAIN} --optim.clip_grad 0", 2, "optim.clip_grad is 0.0, but must be above 0."),
    (f"{PRETRAIN} --optim.ema 1", 2, "optim.ema is 1.0"),
    (f"{PRETRAIN} --optim.betas 0.9,1", 2, "optim.betas is (0.9, 1.0)"),
    (f"{PRETRAIN} --augment.scale 0.5,0.2", 2, "augment.scale is (0.5, 0.2)"),
    (f"{PRETRAIN} --decoder.depth 0", 2, "decoder.depth is 0"),
    (f"{PRETRAIN} --encoder.channels 0", 2, "encoder.channels is 0"),
    (f"{PRETRAIN} --encoder.drop_path 1", 2, "encoder.drop_path is 1.0"),
    (f"{PRETRAIN} --target.visible_weight -1", 2, "target.visible_weight is -1.0"),
    (f"{PRETRAIN} --loader.workers -1", 2, "loader.workers is -1, but must be 0 or more."),
    (f"{PRETRAIN} --loader.std 0,1,1", 2, "every standard deviation must be above 0"),
    (f"{PRETRAIN} --loader.mean 0.5,0.5 --loader.std 1,1", 2, "loader.std have 2 values"),
    (f"{PRETRAIN} --run.seed -1", 2, "run.seed is -1, but must be 0 or more."),
    (f"{PRETRAIN} --run.keep 1", 2, "run.keep is 1, but must be at least 2"),
    (f"{PRETRAIN} --monitor.every 0", 2, "monitor.every is 0"),
    (f"{FINETUNE} --val_share 1", 2, "val_share is 1.0"),
    (f"{FINETUNE} --labels_per_class 0", 2, "labels_per_class is 0, but must be at least 1."),
    (f"{FINETUNE} --freeze encoder", 2, "freeze is encoder, but there are no --weights"),
    (f"{FINETUNE} --size 100", 2, "size is 100 x 100 pixels, but both must be multiples"),
    (f"{FINETUNE} --test-size 100", 2, "test_size is 100 x 100 pixels"),
    (f"{FINETUNE} --augment.mixup -1", 2, "augment.mixup is -1.0"),
    (f"{NEIGHBOURS} --k 0", 2, "k is 0, but at least 1 neighbour"),
    (f"{NEIGHBOURS} --temperature 0", 2, "temperature is 0.0, but must be above 0."),
    (f"{NEIGHBOURS} --seed -1", 2, "seed is -1"),
    (f"{RECONSTRUCT} --ratio 1", 2, "ratio is 1.0"),
    ("bench pretrain --ratio 0.5 1", 2, "mask.ratio is 1.0"),
    ("bench pretrain --model atto tinny", 2, "Did you mean tiny?"),
    ("info --model atto --size 100", 2, "The nearest that fits is 96 x 96."),
    # Configs.
    (f"{PRETRAIN} --config pretrian", 2, "no such recipe. Did you mean pretrain?"),
    (f"{PRETRAIN} --config {{root}}/none.yaml", 2, "there is no such file."),
    (f"{PRETRAIN} --config {{root}}/empty", 2, "is a folder, but must be a YAML file"),
    (f"{PRETRAIN} --json {{root}}/none/x.json", 2, "is not a file that can be written"),
    # Data.
    ("check {root}/labeled", 6, "Did you mean {root}/labelled?"),
    ("check {root}/empty", 6, "there are no images in {root}/empty."),
    ("pretrain --data {root}/none/photos --out {out}", 6, "There is no {root}/none either."),
    ("pretrain --data {root}/empty --out {out}", 6, "there are no images in"),
    (f"{PRETRAIN} --optim.batch_size 13", 6, "optim.batch_size is 13, but {root}/labelled has 12"),
    (f"{FINETUNE} --optim.batch_size 9", 6, "has 8 images: lower it to at most 8"),
    (f"{FINETUNE} --labels_per_class 5", 6, "has 4 images, but 5 were asked for."),
    ("finetune classify --data {root}/flat --out {out}", 6, "is a flat folder of 4 images, but"),
    ("evaluate linear --data {root}/flat", 6, "is a flat folder of 4 images, but labels need"),
    (
        f"{PRETRAIN} --encoder.channels 6 --optim.batch_size 8",
        6,
        "but the model takes 6. --encoder.channels says",
    ),
    # Weights.
    (f"{FINETUNE} --weights {{root}}/none", 3, "does not exist: give the folder of a run"),
    (f"{FINETUNE} --weights {{root}}/empty", 3, "holds no weights.safetensors"),
    (f"{FINETUNE} --weights {{root}}/pickled.pth", 3, "looks like a pickled PyTorch file."),
    (f"{FINETUNE} --weights {{root}}/broken.safetensors", 3, "is not a safetensors file."),
    (
        f"{FINETUNE} --weights {{root}}/pretrained.safetensors --model tiny",
        3,
        "model is tiny, but the weights in {root}/pretrained.safetensors are of atto",
    ),
    (
        f"{FINETUNE} --weights {{root}}/pretrained.safetensors --encoder.channels 4",
        3,
        "encoder.channels is 4, but the weights in",
    ),
    (
        f"{FINETUNE} --weights {{root}}/pretrained.safetensors --loader.mean 0.1,0.2,0.3",
        2,
        "leave both out",
    ),
    (
        "evaluate classify --data {root}/labelled --weights {root}/pretrained.safetensors",
        3,
        "holds an autoencoder, but this command needs a classifier",
    ),
    (
        "evaluate classify --data {root}/labelled --weights {root}/other-classes.safetensors",
        6,
        "has classes that the model does not know: forest.",
    ),
    (
        "reconstruct --data {root}/labelled --weights {root}/classifier.safetensors --out {out}",
        3,
        "holds a classifier, but this command needs an autoencoder",
    ),
    # Outputs.
    (f"{PREDICT} --out {{out}}/table.xls", 2, "its name must end in .csv, .parquet, .npz."),
    (f"{EMBED} --out {{root}}/file/features.npz", 4, "cannot write {root}/file"),
    (f"{PREDICT} --out {{root}}/empty", 2, "its name must end in"),
    ("pretrain --data {root}/labelled --out {root}/file --optim.batch_size 8", 4, "cannot write"),
    (f"{RECONSTRUCT} --out {{root}}/file", 4, "cannot write {root}/file"),
]
