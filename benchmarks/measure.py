"""Runs a command as a child and tells what it cost, and keeps the loopback server beside it.

Only the standard library, and no more of it than needed: on Linux a child's peak memory is at least its
parent's at the moment of the start, so this process has to stay smaller than what it measures.
"""

import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, KiB here


class MeasurementError(Exception):
    """A measured command that did not do its work has no figures."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command took, its threads and own children included."""

    wall_s: float
    user_s: float
    system_s: float
    peak_mb: float
    started_at: float
    output: str

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s


def run(command: list[str], env: dict[str, str], timeout_s: float = 900) -> Cost:
    """Run to the end in an empty folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        out_path, err_path = Path(folder, ".out"), Path(folder, ".err")
        with out_path.open("wb") as out, err_path.open("wb") as err:
            started_at, started = time.time(), time.perf_counter()
            child = subprocess.Popen(command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            alarm = threading.Timer(timeout_s, os.kill, (child.pid, signal.SIGKILL))
            alarm.daemon = True
            alarm.start()
            try:
                _, status, usage = os.wait4(child.pid, 0)
            except BaseException:
                child.kill()
                child.wait()
                raise
            finally:
                alarm.cancel()
            wall_s = time.perf_counter() - started
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            told = err_path.read_text(errors="replace")[-2000:] + out_path.read_text(errors="replace")[-500:]
            raise MeasurementError(f"exit code {child.returncode} from {' '.join(command)}\n{told}")
        return Cost(
            wall_s=wall_s,
            user_s=usage.ru_utime,
            system_s=usage.ru_stime,
            peak_mb=usage.ru_maxrss * RSS_UNIT / 1e6,
            started_at=started_at,
            output=out_path.read_text(),
        )


def compile_package() -> None:
    """What pip does when it installs: without its bytecode each run would first compile the whole package."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(HERE.parent / "asyncloader")], check=True)


class Loopback:
    """The server as a child process that ends with this one."""

    def __init__(self, tls: bool = False, count: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-ca-")
        self.ca_file = str(Path(self._folder.name, "ca.pem")) if tls else None
        options = ["--tls", "--ca-file", str(self.ca_file)] if tls else []
        options += ["--count"] if count else []
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "loopback.py"), "--port", "0", "--with-stdin", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self.__exit__()
            raise MeasurementError("the loopback server did not start")
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if tls:
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.ca_file)))
        self._open = urllib.request.build_opener(*handlers).open

    def __enter__(self) -> "Loopback":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def stats(self) -> dict[str, Any]:
        with self._open(self.url + "/stats", timeout=30) as answer:
            told: dict[str, Any] = json.load(answer)
        return told

    def reset(self) -> None:
        self._open(self.url + "/reset", timeout=30).close()

    def env(self) -> dict[str, str]:
        """What a client needs to find this server, and nothing of the machine's own AWS set-up."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHONDONTWRITE"))}
        env |= {
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_REGION": "eu-west-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE.parent), env.get("PYTHONPATH", "")))),
        }
        if self.ca_file:
            env["AWS_CA_BUNDLE"] = self.ca_file
        return env
