"""Running what is measured: programs from beginning to end, and contestants that answer line by line; on given cores, with their
peak memory."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time

# A kernel or a number of threads that the environment prescribes would speak for this machine's owner, not for numpy.
FORGOTTEN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Missing(Exception):
    """What is to be measured is not there: a package, a key of the configuration. Its rows say so."""


def environment(**more):
    env = {k: v for k, v in os.environ.items() if k not in FORGOTTEN}
    return {**env, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1", **more}


def cores():
    """The first two cores that this process may use."""
    return sorted(os.sched_getaffinity(0))[:2]


def pinned(on):
    return lambda: os.sched_setaffinity(0, on)


def program(command, on, env=None, cwd=None):
    """Runs a program to its end: seconds, CPU seconds, peak bytes, exit code, standard output and standard error."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        p = subprocess.Popen(command, stdout=out, stderr=err, preexec_fn=pinned(on), env=env or environment(), cwd=cwd)
        _, status, usage = os.wait4(p.pid, 0)
        seconds = time.perf_counter() - begin
        p.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        return {
            "seconds": seconds,
            "cpu": usage.ru_utime + usage.ru_stime,
            "peak": usage.ru_maxrss * 1024,
            "code": p.returncode,
            "out": out.read().decode(errors="replace"),
            "err": err.read().decode(errors="replace"),
        }


def succeeded(run, what):
    if run["code"]:
        raise RuntimeError(f"{what} ended with {run['code']}: {run['err'][-2000:]}")
    return run


class Contestant:
    """A process that answers lines, as peers/protocol.py says; started on one core, measured on another set of them."""

    def __init__(self, command, start_on, env=None):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        preexec_fn=pinned(start_on), env=env or environment(), text=True)
        self.peak = 0

    def ready(self, on):
        """Waits until all is built, and puts every thread on the cores where it is measured."""
        answer = self.answer(within=240)
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            os.sched_setaffinity(int(thread), on)
        return answer

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self, within=120):
        """The next line of JSON; whatever else a library prints is passed over. A process that takes too long is ended."""
        begin, late = time.monotonic(), threading.Timer(within, self.process.kill)
        late.start()
        try:
            for line in self.process.stdout:
                if line.startswith("{"):
                    return json.loads(line)
        finally:
            late.cancel()
        self.errors.seek(0)
        why = reason(self.errors.read().decode(errors="replace"))
        raise Missing(why if time.monotonic() - begin < within else f"no answer within {within} s")

    def close(self):
        self.process.stdin.close()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.process.stdout.close()
        self.peak = usage.ru_maxrss * 1024
        self.errors.close()


def reason(err):
    """The last line of a program's complaints."""
    lines = [line for line in err.strip().splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "it ended without a word"


def note(*what):
    print(*what, file=sys.stderr, flush=True)
