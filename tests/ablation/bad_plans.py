"""Plans that cannot work, and what each must say."""

STEPS = "metric: pretrain.top1\nsteps: {pretrain: {}}\n"
TWO = """metric: finetune.top1
steps: {pretrain: {}, finetune: {command: finetune classify, from: pretrain}}
"""

BAD_PLANS: dict[str, str] = {
    # The file.
    "steps: [": "line 1: ",
    "steps:\n\tpretrain:": "line 2: found character '\\t'",
    "- a\n- b": "must hold keys with values",
    "": "there are no steps.",
    "cells:\n  a: {}\n  a: {}": "line 3: the key a appears twice.",
    "a: &x [1]\nb: *x": "references (*name) are not allowed.",
    "\0": "is not YAML",
    # Its keys.
    f"{STEPS}sead: [1]": "there is no key sead. Did you mean seeds?",
    f"{STEPS}seeds: [one]": "seeds is ['one'], but must be whole numbers of 0 or more.",
    f"{STEPS}seeds: ['²']": "seeds is ['²'], but must be whole numbers of 0 or more.",
    "steps: {pretrain: {from: [a]}}\nmetric: pretrain.top1": "step pretrain: from is ['a'], but",
    f"{STEPS}axes: {{pretrain.rate: [[[1]]]}}": (
        "pretrain.rate has [['1']], but each must be a value, or a list of such."
    ),
    f"{STEPS}axes: {{pretrain.rate: [1, {{a: 1}}]}}": (
        "pretrain.rate has {'a': '1'}, but each must be a value, or a list of such."
    ),
    f"{STEPS}also: {{loss: pretrain.lss}}": "the result of pretrain has no lss.",
    f"{STEPS}also: {{loss: train.loss}}": "also: loss is 'train.loss', but must be STEP.NUMBER",
    f"{STEPS}direction: up": "direction is 'up', but must be maximize or minimize.",
    f"{STEPS}search: {{direction: up}}": "search: direction is 'up', but must be maximize or mini",
    f"{STEPS}direction: minimize\nsearch: {{direction: maximize}}": (
        "direction is minimize, but search: direction is maximize: say one of them, or the same in"
    ),
    f"{STEPS}percent: some": "percent is 'some', but must be true or false.",
    "steps: 3": "steps is '3', but must hold keys with values.",
    "steps: {pretrain: 3}\nmetric: pretrain.top1": "the step pretrain is '3', but must hold",
    "steps: {pre-train: {}}\nmetric: a.b": "a step is called 'pre-train', but a name has letters,",
    "steps: {pretrain: null}": "all steps are null (pretrain). Give at least one.",
    f"{STEPS}also: {{mean: pretrain.top1}}": "also: mean is a column of every table",
    "steps: {pretrain: {}}": "metric is None, but must be STEP.NUMBER, such as pretrain.top1.",
    "steps: {pretrain: {}}\nmetric: train.top1": "metric is 'train.top1', but must be STEP.NUMBER",
    "steps: {pretrain: {}}\nmetric: pretrain.topp1": "has no topp1. Did you mean top1?",
    "steps: {Pre train: {}}\nmetric: a.b": "a step is called 'Pre train', but a name has letters,",
    f"{STEPS}base: nowhere": "the plan nowhere: there is no such file and no such plan.",
    f"{STEPS}base: none.yaml": "the plan none.yaml: there is no such file.",
    f"{STEPS}base: [a]": "base is ['a'], but must be the name of a plan.",
    f"{STEPS}variants: [small]": "variants must hold a plan's keys under each name.",
    # Steps and their options.
    "steps: {pretrian: {}}\nmetric: pretrian.top1": "no step 'pretrian'. Did you mean pretrain?",
    "steps: {a: {command: info}}\nmetric: a.top1": "step a: there is no step 'info'. The steps are",
    f"{STEPS}common: {{valeu: 3}}": "common: no step has an option valeu. Did you mean value?",
    "steps: {pretrain: {valeu: 3}}\nmetric: pretrain.top1": "no key valeu. Did you mean value?",
    "steps: {pretrain: {value: x}}\nmetric: pretrain.top1": "value is 'x', but must be a whole",
    "steps: {pretrain: {value: -1}}\nmetric: pretrain.top1": "value is -1, but must be 0 or more.",
    "steps: {pretrain: {out: x}}\nmetric: pretrain.top1": "out is given by the plan's runner",
    "steps: {pretrain: {config: no}}\nmetric: pretrain.top1": "no such file and no such recipe.",
    TWO.replace("from: pretrain", "from: pre"): "from is pre, but no step before it is called so",
    # Cells, axes, choices.
    f"{STEPS}cells: {{a b: {{}}}}": "a cell is called 'a b', but a name has only letters",
    f"{STEPS}cells: {{../a: {{}}}}": "a cell is called '../a', but a name has only letters",
    f"{STEPS}cells: {{a: 3}}": "the cell a is '3', but must hold steps with options.",
    f"{STEPS}cells: {{a: {{pretrian: {{}}}}}}": "the cell a: there is no step pretrian. Did you",
    f"{STEPS}cells: {{a: {{paper: good}}}}": "paper of a is 'good', but must be a number.",
    f"{STEPS}cells: {{a: {{pretrain: {{valeu: 1}}}}}}": "step pretrain: there is no key valeu.",
    f"{STEPS}paper: {{b: 3}}": "paper: there is no cell b.",
    f"{STEPS}cells: {{a: {{pretrain: null}}}}": "it has no step pretrain, which pretrain.top1 is",
    f"{TWO}cells: {{a: {{pretrain: null}}}}": "'from: null' starts from scratch.",
    f"{STEPS}axes: {{pretrain.value: 3}}": "pretrain.value is '3', but must be a list of values.",
    f"{STEPS}axes: {{pretrain.value: [1, 1]}}": "pretrain.value has a value twice: 1, 1.",
    f"{STEPS}axes: {{value: [1, 2]}}": "axes: value must be STEP.OPTION",
    f"{STEPS}axes: {{pretrain.valeu: [1, 2]}}": "there is no key valeu. Did you mean value?",
    f"{STEPS}best_over: {{pretrian.rate: [1]}}": "it has no step pretrian, but the best is chosen",
    # Searches.
    f"{STEPS}search: {{trials: 3}}": "search: space is None, but must hold ranges",
    f"{STEPS}search: {{sapce: 3}}": "search: there is no key sapce; there are trials",
    f"{STEPS}search: {{trials: no, space: {{pretrain.rate: [1]}}}}": "trials is no, but must be",
    f"{STEPS}search: {{space: {{pretrain.rate: 3}}}}": "must be a list of values, or have",
    f"{STEPS}search: {{space: {{pretrain.rate: {{low: 3, high: 2}}}}}}": "is 3, but must be below",
    f"{STEPS}search: {{space: {{pretrain.rate: {{low: 0, high: 2, log: true}}}}}}": "is 0, but",
    f"{STEPS}search: {{space: {{pretrain.rate: {{low: 1, high: 2, log: on}}}}}}": "log of",
    f"{STEPS}search: {{space: {{pretrain.rate: {{low: a, high: 2}}}}}}": "are 'a' and",
    f"{STEPS}search: {{space: {{pretrain.rate: []}}}}": "pretrain.rate is [], but must be a list",
    f"{STEPS}search: {{space: {{pretrain.rat: [1]}}}}": "there is no key rat. Did you mean rate?",
    f"{STEPS}search: {{space: {{rate: [1]}}}}": "search: rate must be STEP.OPTION",
    f"{STEPS}search: {{space: {{pretrain.value: {{low: -3, high: 2}}}}}}": "value is -3, but must",
    f"{STEPS}search: {{space: {{pretrain.rate: [1]}}}}\nseeds: [0]\ncells: {{a: {{}}, b: {{}}}}": (
        "a plan with a search has neither cells nor axes nor best_over."
    ),
}

BAD_WORDS: dict[tuple[str, ...], tuple[int, str]] = {
    ("--only", "depht=1"): (2, "only: there is no cell depht=1. Did you mean depth=1?"),
    ("--variant", "smal"): (2, "variant is smal, but the plan decoder-depth has no such variant."),
    ("--set", "pretrain"): (2, "set is 'pretrain', but must be like finetune.optim.epochs=50."),
    ("--set", "pretrian.size=64"): (2, "must begin with one of common, pretrain, finetune."),
    ("--set", "pretrain.optim.epoch=3"): (2, "no key optim.epoch. Did you mean optim.epochs?"),
    ("--set", "pretrain.weights=none"): (3, "none does not exist: give the folder of a run"),
    ("--gpus", "0"): (2, "gpus is 0, but must be at least 1."),
    ("--gpus", "1", "--slurm"): (2, "gpus is for this machine, slurm for a cluster"),
    ("--search", "3"): (2, "search needs a space: give the plan a section search with one."),
    ("--seeds", "-1"): (2, "seeds is [-1], but each must be 0 or more."),
    ("--job.hours", "0"): (2, "job.hours is 0.0, but must be above 0."),
    ("--data", "nowhere"): (6, "there is no file or folder nowhere."),
    ("--labelled", "nowhere"): (6, "there is no file or folder nowhere."),
}
