"""Options of one kind from Python: a dataclass, a mapping, or nothing."""

import re
from typing import Any

import numpy as np
import pytest

import fcmae
from fcmae.optim.options import Optim
from fcmae.options.group import options_from

PHOTOS = np.zeros((4, 32, 32, 3), np.uint8)


def test_a_dataclass_is_kept_and_a_mapping_changes_what_it_names() -> None:
    optim = Optim(epochs=2)
    assert options_from(Optim, optim, "optim") is optim
    assert options_from(Optim, {"epochs": 2}, "optim") == optim
    assert options_from(Optim, None, "optim") == Optim()


def test_values_are_converted_as_those_of_functions() -> None:
    made = options_from(Optim, {"betas": [0.9, 0.99], "schedule": "steps"}, "optim")
    assert made == Optim(betas=(0.9, 0.99), schedule="steps")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epoch": 2}, "optim.epoch. Did you mean optim.epochs?"),
        ({"epochs": "many"}, "optim.epochs is 'many', but must be a whole number."),
        ({"epochs": 0}, "optim.epochs is 0, but must be at least 1."),
        ([2], "optim is [2], but must be a fcmae.Optim or a mapping of its fields (base_lr, batch"),
        (fcmae.Run(), "optim is <fcmae.engine.options.Run>, but must be a fcmae.Optim or a mappin"),
    ],
)
def test_others_are_refused_by_dotted_name(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        options_from(Optim, given, "optim")


def test_models_and_feeds_take_mappings_for_their_options() -> None:
    model = fcmae.Autoencoder(
        decoder={"width": 16}, mask={"ratio": 0.5}, target={"normalize": False}
    )
    assert model.decoder.options == fcmae.DecoderOptions(width=16)
    assert model.mask == fcmae.Mask(ratio=0.5)
    assert model.target == fcmae.Target(normalize=False)
    segmenter = fcmae.Segmenter(num_classes=2, head={"width": 32, "auxiliary_width": 16})
    assert segmenter.options == fcmae.UPerNet(width=32, auxiliary_width=16)
    detector = fcmae.Detector(num_classes=2, head={"width": 32})
    assert detector.options == fcmae.MaskRCNN(width=32)
    feed = fcmae.Feed(PHOTOS, 32, loader={"workers": 0})
    assert feed.loader == fcmae.Loader(workers=0)


def test_a_word_in_the_place_of_a_mask_is_refused_with_all_that_it_may_be() -> None:
    from fcmae.model.own_parts import function_or_options

    with pytest.raises(ValueError, match=r"must be a fcmae\.Mask or a mapping.*, or a function"):
        function_or_options("block", fcmae.Mask, "mask")


@pytest.mark.parametrize("view", ["64", None, (64, 64, 3), 64.0, (0, 64)])
def test_a_feed_says_what_a_view_is(view: Any) -> None:
    with pytest.raises(ValueError, match=r"view is .*, but "):
        fcmae.Feed.__init__.__wrapped__(object.__new__(fcmae.Feed), PHOTOS, view)
