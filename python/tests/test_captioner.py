"""Captioner, where the package was built with it; and what is said where it was not."""

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import attend

BUILT = importlib.util.find_spec("attend._captioner") is not None
PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
needs_model = pytest.mark.skipif(
    not BUILT or not attend._caption._extension().has_model, reason="built without the captioner, or without a model"
)


@pytest.fixture(scope="module")
def captioner():
    return attend.Captioner()


def test_a_package_without_it_says_so_in_one_sentence():
    """As after an installation of the engine alone: the package works, and only Captioner is missing."""
    hide = (
        "import sys; sys.modules['attend._captioner'] = None; import attend\n"
        "try: attend.Captioner()\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", hide], check=True, capture_output=True, text=True).stdout
    assert said.startswith("attend.Captioner needs the part of the package that is built with oneDNN and libvips")
    assert said.count("\n") == 1


@needs_model
@pytest.mark.parametrize(
    "photo, words", [("cat", {"cat"}), ("giraffe", {"giraffe"}), ("astronaut", {"man", "woman", "person", "girl", "boy"})]
)
def test_it_says_what_is_in_the_photo(captioner, photo, words):
    caption = captioner.caption(PHOTOS / f"{photo}.jpg")
    assert words & set(caption.text.split())
    assert str(caption) == caption.text == " ".join(word.text for word in caption.words)
    assert 0 < caption.probability < 1
    assert np.isclose(np.log(caption.probability), caption.log_probability)
    for word in caption.words:
        assert 0 < word.probability <= 1
        assert word.attention.shape == (captioner.grid, captioner.grid) and word.attention.dtype == np.float32
        assert np.isclose(word.attention.sum(), 1, atol=1e-4) and (word.attention >= 0).all()


PROGRAM = os.environ.get("ATTEND_PROGRAM")


@needs_model
@pytest.mark.skipif(not PROGRAM, reason="there is no program to compare with")
@pytest.mark.parametrize("photo", sorted(PHOTOS.glob("*.jpg")), ids=lambda path: path.stem)
def test_it_says_what_the_program_says(captioner, photo):
    for arguments, options in ([], {}), (["--greedy"], {"beam": 1}), (["--beam", "5", "--max-length", "8"], {"beam": 5, "max_words": 8}):
        said = subprocess.run([PROGRAM, "caption", *arguments, photo], check=True, capture_output=True, text=True)
        assert captioner.caption(photo, **options).text == said.stdout.strip()


@needs_model
def test_pixels_are_a_photo(captioner):
    grey = np.full((40, 60, 3), 128, dtype=np.uint8)
    strided = np.zeros((80, 60, 4), dtype=np.uint8)[::2, ::-1, :3]
    strided[...] = 128
    caption = captioner.caption(grey)
    assert captioner.caption(strided).text == caption.text
    assert captioner.caption(grey, attention=False).words[0].attention is None
    assert captioner.caption(np.ones((1, 1, 3), dtype=np.uint8)).words


@needs_model
def test_pixels_are_what_the_file_holds(captioner, tmp_path):
    random = np.random.default_rng(1)
    pixels = np.kron(random.integers(0, 255, (6, 8, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    expected = captioner.caption(pixels, beam=2)
    path = tmp_path / "photo.png"
    write_png(path, pixels)
    caption = captioner.caption(str(path), beam=2)
    assert caption.text == expected.text
    for word, other in zip(caption.words, expected.words):
        assert np.array_equal(word.attention, other.attention)


def write_png(path, pixels):
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@needs_model
def test_words_can_be_drawn_by_chance(captioner):
    pixels = np.full((32, 32, 3), 90, dtype=np.uint8)
    drawn = {captioner.caption(pixels, sample_seed=seed, temperature=1.5).text for seed in range(6)}
    assert len(drawn) > 1
    again = captioner.caption(pixels, sample_seed=2**64 - 1, temperature=1.5).text
    assert again == captioner.caption(pixels, sample_seed=2**64 - 1, temperature=1.5).text


@needs_model
def test_several_threads_call_at_once(captioner):
    pixels = [np.full((32, 48, 3), 60 * n, dtype=np.uint8) for n in range(4)]
    expected = [captioner.caption(p).text for p in pixels]
    got = [None] * 4

    def call(n):
        got[n] = captioner.caption(pixels[n]).text

    threads = [threading.Thread(target=call, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == expected


@needs_model
def test_it_knows_itself(captioner):
    assert captioner.grid > 1 and captioner.vocabulary > 1000 and captioner.parameters > 10**6
    assert captioner.notes


@needs_model
@pytest.mark.parametrize(
    "image, error, sentence",
    [
        (np.zeros((4, 4), dtype=np.uint8), ValueError, r"image has 2 axes, but must have 3: \[height, width, 3\]"),
        (np.zeros((4, 4, 4), dtype=np.uint8), ValueError, "image axis 2 is 4, but must be 3"),
        (np.zeros((4, 4, 3), dtype=np.float32), TypeError, "image is float32, but must be uint8"),
        (np.zeros((0, 4, 3), dtype=np.uint8), ValueError, "image is 0 x 4 pixels"),
        (np.broadcast_to(np.uint8(0), (2**20, 2**20, 3)), ValueError, "image is 1048576 x 1048576 pixels"),
        (None, TypeError, "image is NoneType"),
        (7, TypeError, "image is int"),
        ("no/such/photo.jpg", FileNotFoundError, "no/such/photo.jpg"),
        (__file__, ValueError, "not an image"),
        (Path("/"), (ValueError, OSError), "/"),
    ],
    ids=str,
)
def test_what_is_no_photo_is_named(captioner, image, error, sentence):
    with pytest.raises(error, match=sentence):
        captioner.caption(image)


@needs_model
def test_a_name_may_be_no_utf8(captioner, tmp_path):
    name = os.fsencode(tmp_path) + b"/c\xff\xfet.jpg"
    shutil.copy(PHOTOS / "cat.jpg", name)
    expected = captioner.caption(PHOTOS / "cat.jpg").text
    for image in (name, os.fsdecode(name), Path(os.fsdecode(name))):
        assert captioner.caption(image).text == expected
    os.truncate(name, 100)
    for error, path in ((ValueError, name), (FileNotFoundError, name + b"x")):
        with pytest.raises(error) as raised:
            captioner.caption(path)
        name_in_error = raised.value.filename if error is FileNotFoundError else str(raised.value)
        assert os.fsdecode(path) in name_in_error


@needs_model
def test_failures_of_files_are_those_of_the_system(captioner, tmp_path):
    (tmp_path / "file").touch()
    missing = errno.ENOENT, "No such file or directory"
    for path, kind, (number, text) in [
        (tmp_path / "none.jpg", FileNotFoundError, missing),
        ("", FileNotFoundError, missing),
        (tmp_path / "file" / "a.jpg", NotADirectoryError, (errno.ENOTDIR, "Not a directory")),
        ("a" * 10_000, OSError, (errno.ENAMETOOLONG, "File name too long")),
    ]:
        for call in (captioner.caption, attend.Captioner):
            with pytest.raises(kind) as raised:
                call(path)
            error = raised.value
            assert (error.errno, error.strerror, error.filename) == (number, text, str(path))
            assert repr(str(path)) in str(error)


@needs_model
def test_a_folder_that_is_no_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no checkpoint's folder") as raised:
        attend.Captioner(tmp_path)
    assert raised.value.filename == str(tmp_path)


@needs_model
def test_a_path_is_not_cut_at_a_null_byte(captioner):
    cat = PHOTOS / "cat.jpg"
    for image in (f"{cat}\0.png", os.fsencode(cat) + b"\0", Path(f"{cat}\0.png"), "\0"):
        with pytest.raises(ValueError, match="image is a path with an embedded null byte"):
            captioner.caption(image)


@needs_model
@pytest.mark.parametrize(
    "options, error, sentence",
    [
        (dict(beam=0), ValueError, "beam is 0"),
        (dict(beam=10**6), ValueError, "beam is 1000000"),
        (dict(beam=2**40), ValueError, "beam is 1099511627776, but must be in"),
        (dict(beam="3"), TypeError, "beam is str"),
        (dict(max_words=0), ValueError, "max_words is 0"),
        (dict(max_words=10**4), ValueError, "max_words is 10000"),
        (dict(min_words=-1), ValueError, "min_words is -1"),
        (dict(length_exponent=float("nan")), ValueError, "length_exponent is nan"),
        (dict(temperature=0.0, sample_seed=1), ValueError, "temperature is 0, and must be from"),
        (dict(temperature=2.0), ValueError, "temperature is 2, but without sample_seed"),
        (dict(sample_seed=1, beam=3), ValueError, "beam is 3, but must be 1 with sample_seed"),
        (dict(sample_seed=-1), ValueError, r"sample_seed is -1, but must be in 0\.\.18446744073709551615"),
        (dict(attention="yes"), TypeError, "attention is str"),
        (dict(bean=3), TypeError, "bean"),
    ],
    ids=str,
)
def test_options_that_mean_nothing_are_named(captioner, options, error, sentence):
    with pytest.raises(error, match=sentence):
        captioner.caption(np.zeros((8, 8, 3), dtype=np.uint8), **options)


@pytest.mark.skipif(not BUILT, reason="built without the captioner")
def test_a_model_that_is_none_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no_such_model"):
        attend.Captioner(tmp_path / "no_such_model")
    for contents in (b"", b"\x00" * 100, b"\xff" * 9):
        (tmp_path / "model").write_bytes(contents)
        with pytest.raises(ValueError, match="model"):
            attend.Captioner(str(tmp_path / "model"))
    with pytest.raises(ValueError, match="model is a path with an embedded null byte"):
        attend.Captioner(f"{tmp_path / 'model'}\0junk")
    with pytest.raises(ValueError, match="threads is 0"):
        attend.Captioner(threads=0)
    with pytest.raises(TypeError):
        attend.Captioner(3)


@needs_model
def test_a_model_file_is_the_model(captioner, tmp_path):
    shipped = PHOTOS.parents[1] / "models" / "attend.safetensors"
    if not shipped.exists():
        pytest.skip("the model file is not here")
    shutil.copy(shipped, tmp_path / "m.safetensors")
    other = attend.Captioner(tmp_path / "m.safetensors", threads=1)
    assert other.caption(PHOTOS / "cat.jpg").text == captioner.caption(PHOTOS / "cat.jpg").text
