import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.inspection import check_frames, summarise
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from socal_core.presets import SOCAL
from tests.dataset.editing import edit_column, found, write_frame
from tests.dataset.image_files import png_header

Ordinary = Callable[[], AbstractContextManager[None]]


def test_the_real_trials(real_trials: Path) -> None:
    data = open_dataset(real_trials)
    assert (len(data.trials), len(data.frames), len(data.boxes)) == (89, 712, 1000)
    assert (data.usable_trials["success"] == 1).sum() == 29
    assert data.trials["usable"].all()
    assert not [problem for problem in data.problems if problem.severity is Severity.ERROR]
    assert len(found(data, "box-past-edge")) == 7
    assert set(data.trials["participant_id"]) >= {"01"}
    assert data.boxes["frame"].isin(data.frames["frame"]).all()
    assert check_frames(data) == []


def nothing(root: Path) -> None:
    root.rmdir()


def a_file(root: Path) -> None:
    root.rmdir()
    root.write_text("frames")


def empty(root: Path) -> None:
    assert not list(root.iterdir())


def no_images(root: Path) -> None:
    (root / layout.OUTCOMES_FILE).write_text("trial_id,success\n")


def images_are_a_file(root: Path) -> None:
    (root / layout.IMAGES_DIR).write_text("frames")


def no_frame(root: Path) -> None:
    (root / layout.IMAGES_DIR).mkdir()
    (root / layout.IMAGES_DIR / "readme.txt").touch()


def no_frame_of_a_trial(root: Path) -> None:
    write_frame(root, "IMG_0001.jpeg")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (nothing, "there is no such folder"),
        (a_file, "this is a file, not a folder"),
        (empty, "the folder is empty"),
        (no_images, "the folder has no JPEGImages"),
        (images_are_a_file, "JPEGImages cannot be read (Not a directory)"),
        (no_frame, "JPEGImages holds no frame of a trial"),
        (no_frame_of_a_trial, "JPEGImages holds no frame of a trial. Frame IMG_0001.jpeg belongs to no trial"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_what_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], said: str, slash: str
) -> None:
    (tmp_path / "data").mkdir()
    make(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    for typed in (f"data{slash}", f"./data{slash}", f"{tmp_path}/data{slash}"):
        with pytest.raises(DataError) as caught:
            open_dataset(typed)
        message = str(caught.value)
        assert message.startswith(f"{typed}: ")
        assert str(tmp_path) not in message.removeprefix(typed)
        if not (make is a_file and slash):  # the system says "not a directory" before we look
            assert said in message
        if make not in (nothing, a_file):
            assert "S102T1_frame_00000078.jpeg" in message, "it says what a SOCAL folder looks like"


@pytest.mark.parametrize("typed", ["", "  "])
def test_no_name_is_not_the_folder_we_are_in(folder: Path, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(DataError, match="No data folder is given"):
        open_dataset(typed)


@pytest.mark.parametrize("typed", ["data\0", "x" * 5000, "no\nsuch", "\udcff"])
def test_names_that_are_no_folder(typed: str) -> None:
    with pytest.raises(DataError):
        open_dataset(typed)


def test_a_path_object_does_as_well(folder: Path) -> None:
    assert open_dataset(folder).root == open_dataset(str(folder)).root == folder


def test_a_relative_folder_stays_relative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert open_dataset("data").root == Path("data")


@pytest.mark.parametrize("where", [".", layout.IMAGES_DIR])
def test_a_folder_that_may_not_be_read(public_folder: Path, ordinary_user: Ordinary, where: str) -> None:
    (public_folder / where).chmod(0)
    with ordinary_user(), pytest.raises(DataError, match=r"may not be read|cannot be read \(Permission denied\)"):
        open_dataset(public_folder)


@pytest.mark.parametrize("name", ["images", "frames"])
def test_the_folder_of_frames_that_may_not_be_read_is_named(
    public_folder: Path, ordinary_user: Ordinary, name: str
) -> None:
    (public_folder / layout.IMAGES_DIR).rename(public_folder / name)
    (public_folder / name).chmod(0)
    with ordinary_user(), pytest.raises(DataError, match=f"data: {name} cannot be read"):
        open_dataset(public_folder)


@pytest.mark.parametrize("mode", [0, 0o644])
@pytest.mark.parametrize("own", ["S104T1", "train"])
def test_a_trial_folder_that_may_not_be_read_is_named_and_the_rest_is_opened(
    public_folder: Path, ordinary_user: Ordinary, own: str, mode: int
) -> None:
    inner = public_folder / layout.IMAGES_DIR / own
    inner.mkdir()
    write_frame(public_folder, f"{own}/S104T1_frame_00000001.jpeg")
    inner.chmod(mode)
    with ordinary_user():
        data = open_dataset(public_folder)
    inner.chmod(0o755)
    errors = [problem for problem in data.problems if problem.severity is Severity.ERROR]
    path = f"{layout.IMAGES_DIR}/{own}"
    if mode:  # the names can be listed, but not the files read
        assert [problem.code for problem in errors] == ["unreadable-frame"]
        assert len(data.frames) == 25
    else:
        assert [(problem.code, problem.path) for problem in errors] == [("unreadable-folder", path)]
        assert len(data.frames) == 24
    assert path in f"{errors[0].path} {errors[0].message}"
    assert not [problem for problem in errors if str(public_folder) in problem.message]


def test_a_folder_of_videos_that_may_not_be_read_is_named(public_folder: Path, ordinary_user: Ordinary) -> None:
    (public_folder / "videos").mkdir(mode=0)
    with ordinary_user():
        data = open_dataset(public_folder)
    (problem,) = found(data, "unreadable-folder")
    assert (problem.path, problem.severity) == ("videos", Severity.ERROR)
    assert len(data.frames) == 24


@pytest.mark.parametrize(("frames", "trials"), [(3, 0), (2, 8)])
def test_frames_that_must_be_closer_than_a_second(
    folder: Path, monkeypatch: pytest.MonkeyPatch, frames: int, trials: int
) -> None:
    monkeypatch.setattr("socal_core.dataset.opening._TIMES_TOO_MANY", frames / SOCAL.longest_trial)
    problems = found(open_dataset(folder), "many-frames")
    assert [(problem.severity, problem.path, problem.count) for problem in problems] == [
        (Severity.WARNING, layout.IMAGES_DIR, trials)
    ] * bool(trials)
    for problem in problems:
        assert (problem.count, problem.parameters) == (8, {"limit": 2, "longest": 3})


def test_a_folder_under_one_that_may_not_be_entered(public_folder: Path, ordinary_user: Ordinary) -> None:
    public_folder.chmod(0o600)
    with ordinary_user(), pytest.raises(DataError, match="may not be read"):
        open_dataset(public_folder / layout.IMAGES_DIR)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [layout.OUTCOMES_FILE, layout.BOXES_FILE, layout.MAPPING_FILE, layout.DEMOGRAPHICS_FILE]
)
def test_a_table_that_may_not_be_read(public_folder: Path, ordinary_user: Ordinary, name: str) -> None:
    (public_folder / name).chmod(0)
    with ordinary_user():
        data = open_dataset(public_folder)
    (problem,) = found(data, "unreadable-file")
    assert (problem.path, problem.severity) == (name, Severity.ERROR)
    assert problem.parameters == {"reason": "Permission denied"}
    assert str(public_folder) not in problem.message
    assert len(data.frames) == 24


def test_nothing_is_written(public_folder: Path, ordinary_user: Ordinary) -> None:
    paths = sorted(public_folder.rglob("*"))
    for path in [public_folder, *paths]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = [(path, path.stat().st_mtime_ns, path.stat().st_size) for path in [public_folder, *paths]]
    with ordinary_user():
        data = open_dataset(public_folder)
        assert check_frames(data) == []
    assert summarise(data)["trials"] == 8
    assert sorted(public_folder.rglob("*")) == paths
    assert [(path, path.stat().st_mtime_ns, path.stat().st_size) for path, *_ in before] == before


def test_a_huge_first_frame_is_named_without_a_warning(folder: Path) -> None:
    edit_column(folder / layout.OUTCOMES_FILE, "trial_video_width", "")
    png_header(folder / layout.IMAGES_DIR / "S100T1_frame_00000001.jpeg", 12_000, 9_000)
    data = open_dataset(folder)
    assert data.trials.loc["S100T1", ["width", "height"]].tolist() == [64, 48]
    (problem,) = found(data, "unreadable-frame")
    assert problem.parameters["reason"] == "it has 12000x9000 pixels, more than the 40,000,000 allowed"


def test_opening_decodes_nothing(folder: Path) -> None:
    for path in (folder / layout.IMAGES_DIR).iterdir():
        path.write_bytes(b"no image")
    assert open_dataset(folder).problems == ()


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "name", [layout.OUTCOMES_FILE, layout.BOXES_FILE, layout.MAPPING_FILE, layout.DEMOGRAPHICS_FILE, layout.TRACKS_FILE]
)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"a",
        b"\x00" * 100,
        bytes(range(256)),
        b'"' * 1001,
        b"," * 300,
        b"\xff\xfe\x00",
        b"{}\n[]",
        b"x" * 300_000,
        b"\xef\xbb\xbf",
    ],
)
def test_no_content_of_a_table_stops_the_opening(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    data = open_dataset(folder)
    assert len(data.frames) == 24
    assert {problem.path for problem in data.problems} >= {name}
    for problem in data.problems:
        assert len(problem.message) < 300
        assert str(folder) not in problem.message


@pytest.mark.parametrize("name", [layout.OUTCOMES_FILE, layout.BOXES_FILE, layout.MAPPING_FILE, layout.TRACKS_FILE])
def test_a_folder_in_place_of_a_table(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()
    assert [problem.path for problem in found(open_dataset(folder), "unreadable-file")] == [name]


def test_a_pipe_in_place_of_a_table_is_not_waited_for(folder: Path) -> None:
    (folder / layout.BOXES_FILE).unlink()
    os.mkfifo(folder / layout.BOXES_FILE)
    (problem,) = found(open_dataset(folder), "unreadable-file")
    assert problem.path == layout.BOXES_FILE


def test_the_tables_agree_with_each_other(folder: Path) -> None:
    data = open_dataset(folder)
    assert data.frames.groupby("trial_id").size().to_dict() == data.trials["n_frames"].to_dict()
    assert data.frames["trial_id"].drop_duplicates().tolist() == data.trials.index.tolist()
    assert data.frames.groupby("trial_id")["position"].apply(list).tolist() == [[0, 1, 2]] * 8
    assert data.file_of(data.frames["frame"].iloc[0]).is_file()
    assert data.frames_of("S100T1")["second"].tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="S999T1"):
        data.frames_of("S999T1")


@pytest.mark.slow
def test_opening_needs_neither_torch_nor_streamlit(folder: Path) -> None:
    code = (
        "import sys; from socal_core.dataset.opening import open_dataset; open_dataset(sys.argv[1]); "
        "print({'torch', 'streamlit', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
