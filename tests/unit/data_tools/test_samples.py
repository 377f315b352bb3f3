"""The sample media of nano: made again, they are the shipped files."""

from pathlib import Path

import numpy as np

import bubo.nano
from bubo.data_tools.world import samples
from bubo.data_tools.world.pairs import pair_of
from bubo.media import load_picture, load_sound

SHIPPED = Path(bubo.nano.__file__).parent / "samples"


def test_the_samples_are_what_they_should_be(tmp_path):
    scene, clip = samples.sample_scene(), samples.sample_clip()
    assert sorted(thing.name for thing in scene.things) == sorted(samples.THINGS)
    assert scene.place == samples.PLACE
    assert tuple(event.name for event in clip.events) == samples.SOUNDS
    assert clip.events[0].end_s < clip.events[1].start_s
    assert pair_of(scene, clip)[0] == "match"
    # near, not equal: another edition of the font or of numpy draws a little differently
    picture = load_picture(SHIPPED / samples.PICTURE_FILE)
    assert np.abs(picture.pixels.astype(int) - scene.pixels).mean() < 4
    sound = load_sound(SHIPPED / samples.SOUND_FILE)
    assert np.abs(sound.samples - clip.samples).mean() < 0.01


def test_main_writes_both_files(tmp_path, capsys):
    assert samples.main([str(tmp_path / "new")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"scene.png", "scene.wav"}
    assert samples.main([]) == 2
    assert "usage" in capsys.readouterr().err
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert samples.main([str(blocked / "inside")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
