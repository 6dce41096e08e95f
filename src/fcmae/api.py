"""The commands as functions: ``fcmae.pretrain(data=..., out=..., mask={"ratio": 0.75})``.

Their keywords are the options of the command; a group of options is a mapping or its dataclass.
All options may be given as one dataclass: ``fcmae.pretrain(fcmae.Pretrain(data=..., out=...))``.
Wrong options raise ``ValueError``, everything else that a user can mend raises
``fcmae.errors.FcmaeError``.

Type checkers and IDEs read ``api.pyi``, which ``python -m fcmae.cli.stub`` writes.
"""

from fcmae.cli.functions import family, function, options_of
from fcmae.cli.load import load

__all__ = [
    "ablate",
    "analyze",
    "bench",
    "check",
    "contrast",
    "convert",
    "cost",
    "demo",
    "embed",
    "evaluate",
    "export",
    "finetune",
    "info",
    "launch",
    "load",
    "options_of",
    "pack",
    "predict",
    "pretrain",
    "reconstruct",
    "report",
]

ablate = function("ablate")
analyze = function("analyze")
bench = family("bench")
check = function("check")
contrast = function("contrast")
convert = function("convert")
cost = function("cost")
demo = function("demo")
embed = function("embed")
evaluate = family("evaluate")
export = function("export")
finetune = family("finetune")
info = function("info")
launch = function("launch")
pack = function("pack")
predict = family("predict")
pretrain = function("pretrain")
reconstruct = function("reconstruct")
report = function("report")
