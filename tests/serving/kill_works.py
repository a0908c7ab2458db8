"""What is in progress while servers and workers are killed: a run, a download, a filling cache, a demo being made."""

import hashlib
import json
import shutil
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from socal_core.clips.clip_cache import remove_store
from socal_core.clips.fill import all_frames
from socal_core.clips.store import FrameStore
from socal_core.dataset.opening import open_dataset
from socal_core.jobs.job import PROGRESS, Job, JobState
from socal_core.lifecycle.state import read_status
from socal_core.models.encoders import preprocessors_of
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.workspace import demo_folder, runs_root
from tests.fetch.playing_drive import FOLDER, Drive, tree
from tests.models.checkpoints import write_classifier
from tests.serving.app_server import SECONDS, AppServer
from tests.training.killer import outcome
from tests.training.small_runs import EVERYTHING, QUICK

SURGEONS = 4
REDIRECTED = """
import os, sys
if "socal_core.jobs.fetch_data" in getattr(sys, "orig_argv", ()):  # it asks a server of the test instead of Google
    import requests
    from urllib.parse import urlsplit
    send = requests.adapters.HTTPAdapter.send
    def redirected(self, request, *arguments, **named):
        request.url = request.url.replace(f"https://{urlsplit(request.url).netloc}", os.environ["SOCAL_TEST_DRIVE"])
        return send(self, request, *arguments, **named)
    requests.adapters.HTTPAdapter.send = redirected
"""


class Work(ABC):
    """Something that a user starts on a page, again and again."""

    name: str

    @abstractmethod
    def start(self, server: AppServer) -> None:
        """Start it as a page does, or continue it."""

    @abstractmethod
    def alive(self) -> bool:
        """Whether a living process does it."""

    @abstractmethod
    def state(self) -> str:
        """Return what pages say about it."""

    @abstractmethod
    def events(self) -> int:
        """Return how much has happened since it was begun, as a number that only grows."""

    @abstractmethod
    def outcome(self) -> dict[str, Any]:
        """Return what must be the same as without kills."""

    @abstractmethod
    def renew(self) -> None:
        """Forget the outcome, so that it can begin anew."""

    def hold(self, point: int) -> None:  # noqa: B027 - most cannot be held
        """Let it get as far as a number of events, if it can be held."""

    def release(self) -> None:  # noqa: B027
        """Let it go on."""

    @property
    def done(self) -> bool:
        """Whether it has ended well."""
        return self.state() == "done"


class RunWork(Work):
    """A run with everything that draws random numbers."""

    name = "run"

    def __init__(self, scratch: Path, data: Path, epochs: int) -> None:
        write_classifier(scratch / "model")
        values = {"model": str(scratch / "model"), **QUICK, **EVERYTHING, "num_epochs": epochs}
        self._config, self._data = config_from({**values, "early_stopping_patience": epochs}, TINY), data
        self.runs: list[RunFolder] = []
        self.renew()

    def start(self, server: AppServer) -> None:
        server.do(
            "from pathlib import Path\n"
            "from socal_core.lifecycle.launch import start\n"
            "from socal_core.runs.folder import RunFolder\n"
            "start(RunFolder(Path(path)), resume=resume)",
            path=str(self.runs[-1].path),
            resume=self.runs[-1].events_file.exists(),
        )

    def alive(self) -> bool:
        return read_status(self.runs[-1]).state.alive

    def state(self) -> str:
        return str(read_status(self.runs[-1]).state)

    def events(self) -> int:
        file = self.runs[-1].events_file
        return file.read_bytes().count(b"\n") if file.exists() else 0

    def outcome(self) -> dict[str, Any]:
        found = outcome(self.runs[-1])
        return {name: _hash(value if isinstance(value, bytes) else repr(value)) for name, value in found.items()}

    def renew(self) -> None:
        self.runs.append(RunFolder.create(runs_root() / f"run-{len(self.runs)}", self._config, self._data))


class JobWork(Work):
    """A job of the pages."""

    def __init__(self, name: str, place: str, job: str, request: dict[str, Any]) -> None:
        """Describe it.

        Args:
            name: The name of its folder.
            place: The module of the page.
            job: The name of the job there.
            request: What it is asked for.
        """
        self.name = name
        self.job = Job(name, "", name)
        self.request = request
        self._code = f"from {place} import {job} as job\nresult = job.start(request)"

    def start(self, server: AppServer) -> None:
        assert server.do(self._code, request=self.request)

    def alive(self) -> bool:
        return self.job.running

    def state(self) -> str:
        status = self.job.status()
        if status.state is JobState.FAILED:
            raise AssertionError(f"{self.name}: {status.error}")
        return str(status.state)

    def events(self) -> int:
        try:
            return int(json.loads((self.job.folder / PROGRESS).read_text()).get("done", 0))
        except FileNotFoundError:
            return 0

    def renew(self) -> None:
        self.job.forget()


class DemoWork(JobWork):
    """The demo data set."""

    def __init__(self) -> None:
        request = {"out": str(demo_folder().resolve()), "surgeons": SURGEONS}
        super().__init__("demo", "pages.components.sidebar.demo", "GENERATION", request)

    def outcome(self) -> dict[str, Any]:
        return {name: _hash(content) for name, content in tree(demo_folder()).items()}

    def renew(self) -> None:
        super().renew()
        shutil.rmtree(demo_folder(), ignore_errors=True)


class HeldDrive(Drive):
    """A server that answers only as many requests as it is told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.most = sys.maxsize
        self.released = threading.Event()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if len(self.asked) >= self.most:
            self.released.wait(SECONDS)
        with suppress(OSError):  # the client was killed
            super().finish_request(request, client_address)


class DownloadWork(JobWork):
    """A shared folder, from a local server."""

    def __init__(self, scratch: Path, drive: HeldDrive) -> None:
        self._scratch, self._drive, self._number, self._asked = scratch, drive, 0, 0
        super().__init__("download", "pages.components.sidebar.download", "DOWNLOAD", {"address": FOLDER})
        self.renew()

    def events(self) -> int:
        return len(self._drive.asked) - self._asked

    def hold(self, point: int) -> None:
        self._drive.released.clear()
        self._drive.most = self._asked + point

    def release(self) -> None:
        self._drive.most = sys.maxsize
        self._drive.released.set()

    def outcome(self) -> dict[str, Any]:
        return {name: _hash(content) for name, content in tree(Path(self.request["out"])).items()}

    def renew(self) -> None:
        super().renew()
        self._number += 1
        self._asked = len(self._drive.asked)
        self.request["out"] = str(self._scratch / f"downloaded-{self._number}")


class FillWork(JobWork):
    """The clip cache of a data folder."""

    def __init__(self, data: Path) -> None:
        config = config_from({**QUICK, "num_frames": 16, "sampling": "segments"}, TINY)
        options = {"boxes": "", "columns": {}}
        request = {"config": config.as_dict(), "data": str(data), "data_options": options}
        super().__init__("clip-cache", "pages.components.training.clip_cache", "FILLING", request)
        self._dataset = open_dataset(data)
        ((preprocessor, _),) = preprocessors_of(config)
        preprocessor = replace(preprocessor, scaled=config.machine.scaled_decoding)
        self._store = FrameStore(self._dataset.root, preprocessor.recipe, preprocessor.frame_shape)

    def outcome(self) -> dict[str, Any]:
        found = {}
        for trial, indices in all_frames(self._dataset):
            out = np.zeros((len(indices), *self._store.shape), np.uint8)
            there = self._store.read(trial, indices, out)
            found[trial.trial_id] = _hash(there.tobytes() + out[there].tobytes())
        return found

    def renew(self) -> None:
        super().renew()
        remove_store(self._store.folder)


def _hash(value: bytes | str) -> str:
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()
