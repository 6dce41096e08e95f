from pathlib import Path

from fcmae.cli.demo.folder import make_ready


def test_another_demo_in_the_same_folder_sets_the_earlier_one_aside(tmp_path: Path) -> None:
    assert make_ready(tmp_path, {"seed": 0}) is None
    for name in ("photos", "pretraining", "pre-trained-lr-0.004", "mine"):
        (tmp_path / name).mkdir()
    assert make_ready(tmp_path, {"seed": 0}) is None
    assert (tmp_path / "photos").is_dir()

    former = make_ready(tmp_path, {"seed": 1})
    assert former == tmp_path / "former-1"
    moved = {"demo.json", "photos", "pretraining", "pre-trained-lr-0.004"}
    assert {path.name for path in former.iterdir()} == moved
    assert {path.name for path in tmp_path.iterdir()} == {"demo.json", "former-1", "mine"}

    assert make_ready(tmp_path, {"seed": 1}) is None
    assert make_ready(tmp_path, {"seed": 0}) == tmp_path / "former-2"
    (tmp_path / "former-1").rename(tmp_path / "thrown away")
    assert make_ready(tmp_path, {"seed": 1}) == tmp_path / "former-3"
