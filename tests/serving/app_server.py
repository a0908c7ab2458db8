"""The app as `streamlit run app.py` serves it, for tests that kill it or take something away from it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from tests.wheel import free_port

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 120
COMMANDS = """
import json, os, threading

def listen(asked, answers):
    for line in asked:
        try:
            names = {}
            exec(json.loads(line), names)
            answer = {"result": names.get("result")}
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\\n")
        answers.flush()

if "SOCAL_TEST_COMMANDS" in os.environ:  # the processes that the server starts must not listen too
    numbers = [int(number) for number in os.environ.pop("SOCAL_TEST_COMMANDS").split()]
    files = open(numbers[0]), open(numbers[1], "w")
    threading.Thread(target=listen, args=files, daemon=True).start()
"""
"""What the server runs beside itself: the commands of a test, as if a page had been clicked."""


class CommandError(Exception):
    """A command has failed in the server."""


class AppServer:
    """A server in a process of its own, which also does what a test tells it."""

    def __init__(
        self,
        workspace: Path,
        packages: Path,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        start_module: str = "",
    ) -> None:
        """Start it, and wait until it answers.

        Args:
            workspace: The workspace.
            packages: A folder for what the server imports first; written anew.
            environment: Variables of the process, beside those of this one.
            prefix: A command that starts the server.
            start_module: Code that this process and those that it starts run first.
        """
        packages.mkdir(exist_ok=True)
        (packages / "sitecustomize.py").write_text(start_module + COMMANDS)
        asked, self._asks = os.pipe()
        self._answers, answers = os.pipe()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log: list[str] = []
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=PROJECT,
            env={
                **os.environ,
                "PYTHONPATH": f"{packages}:{PROJECT}",
                "PYTHONUNBUFFERED": "1",
                "SOCAL_WORKSPACE": str(workspace),
                "SOCAL_TEST_COMMANDS": f"{asked} {answers}",
                **(environment or {}),
            },
            pass_fds=(asked, answers),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.close(asked)
        os.close(answers)
        ready = threading.Event()
        threading.Thread(target=self._read_log, args=(ready,), daemon=True).start()
        if not ready.wait(SECONDS):
            self.end()
            raise TimeoutError("".join(self.log))
        self._replies = os.fdopen(self._answers)

    def do(self, code: str, **values: object) -> Any:
        """Run code in a thread of the server.

        Args:
            code: Python code, which may assign `result`, a value for JSON.
            values: Values that the code has under these names, for JSON.

        Returns:
            The result.

        Raises:
            CommandError: The code raised an error.
        """
        text = f"import json\nglobals().update(json.loads({json.dumps(values)!r}))\n{code}"
        os.write(self._asks, f"{json.dumps(text)}\n".encode())
        answer = json.loads(self._replies.readline())
        if "error" in answer:
            raise CommandError(answer["error"])
        return answer["result"]

    @contextmanager
    def session(self) -> Iterator[Callable[[str], bytes]]:
        """Open a session, and yield a function that opens a page in it.

        The function takes the name of the page in its address, "" for the first one, and returns everything that the
        server sent until the page was complete.
        """
        address = self.url.replace("http", "ws") + "/_stcore/stream"
        options: Any = {"origin": self.url, "subprotocols": ["streamlit"]}
        with connect(address, **options, max_size=None, open_timeout=SECONDS) as opened:

            def show(name: str) -> bytes:
                asks = BackMsg()
                asks.rerun_script.page_name = name
                opened.send(asks.SerializeToString())
                parts = []
                while True:
                    content = opened.recv(SECONDS)
                    assert isinstance(content, bytes)
                    parts.append(content)
                    if ForwardMsg.FromString(content).HasField("script_finished"):
                        return b"".join(parts)

            yield show

    def page(self, name: str = "") -> bytes:
        """Open a page in a session of its own; see `session`."""
        with self.session() as show:
            return show(name)

    def kill(self) -> None:
        """Kill the process, and no other one."""
        self.process.kill()
        self._close()

    def end(self) -> None:
        """End the process as a terminal does."""
        self.process.terminate()
        self._close()

    def _close(self) -> None:
        self.process.wait(SECONDS)
        os.close(self._asks)

    def _read_log(self, ready: threading.Event) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line)
            if "URL:" in line:
                ready.set()
        self.process.stdout.close()
