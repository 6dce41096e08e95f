"""All formats: those that are recognised, and those that can be asked for by name."""

from fcmae.checkpoint.formats.fcmae import FCMAE
from fcmae.checkpoint.formats.huggingface import HUGGINGFACE
from fcmae.checkpoint.formats.mmpretrain import MMPRETRAIN, MMPRETRAIN_PYRAMID
from fcmae.checkpoint.formats.official import OFFICIAL
from fcmae.checkpoint.formats.sparse import OFFICIAL_SPARSE
from fcmae.checkpoint.formats.timm import TIMM, TIMM_FEATURES
from fcmae.checkpoint.formats.torchvision import TORCHVISION

FORMATS = {
    format.name: format
    for format in (
        FCMAE,
        OFFICIAL,
        OFFICIAL_SPARSE,
        TIMM,
        TIMM_FEATURES,
        HUGGINGFACE,
        TORCHVISION,
        MMPRETRAIN,
        MMPRETRAIN_PYRAMID,
    )
}
