"""Names for what is written about files."""

from fcmae.data.naming import distinct_stems


def test_files_keep_their_names_unless_two_are_called_the_same() -> None:
    assert distinct_stems(["a/x.png", "b/y.tif"]) == ["x", "y"]
    assert distinct_stems(["a/x.png", "b/X.png", "00001-x.png"]) == [
        "00001-x",
        "00002-X",
        "00003-00001-x",
    ]
