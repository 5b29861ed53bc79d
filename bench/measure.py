"""Looks at a server from outside: CPU time and memory of its processes, and load upon it."""

import os
import subprocess
import time
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")


def process_tree(roots):
    """`roots` and all their descendants."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = stat_fields(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], list(roots)
    while left:
        pid = left.pop()
        found.append(pid)
        left += children.get(pid, [])
    return found


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name; empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_seconds(roots):
    """utime + stime of the tree, with what its reaped children used (cutime + cstime)."""
    return TICK * sum(
        int(ticks) for pid in process_tree(roots) for ticks in stat_fields(pid)[11:15]
    )


def memory_bytes(roots):
    """The tree's proportional set size (PSS)."""
    total = 0
    for pid in process_tree(roots):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += 1024 * int(line.split()[1])
    return total


class Load:
    """A running bench/load, as a context manager."""

    def __init__(self, program, server, scenario, *flags):
        command = [program, "--port", server.port, *flags, scenario]
        self.server = server
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        self.expect("ready")
        return self

    def __exit__(self, *exception):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def expect(self, word):
        words = self.process.stdout.readline().split()
        if not words or words[0] != word:
            raise RuntimeError(self.process.stderr.read().strip() or "load ended")
        return words[1:]

    def round(self, seconds):
        """Returns (count, seconds that count, server CPU seconds) of one round."""
        before = cpu_seconds(self.server.pids())
        self.process.stdin.write(f"go {seconds}\n")
        self.process.stdin.flush()
        count, elapsed = self.expect("done")
        used = cpu_seconds(self.server.pids()) - before
        if int(count) == 0:
            raise RuntimeError("nothing was counted")
        return int(count), float(elapsed), used

    def best_round(self, seconds, rounds):
        """The round with the least CPU per count, after one that warms up."""
        self.round(seconds / 4)
        return min(
            (self.round(seconds) for _ in range(rounds)), key=lambda result: result[2] / result[0]
        )


def settle(roots, seconds):
    """Waits `seconds`, then until the memory of the tree stands still (for a minute at most)."""
    time.sleep(seconds)
    last = memory_bytes(roots)
    for _ in range(60):
        time.sleep(min(seconds, 1))
        now = memory_bytes(roots)
        if abs(now - last) < max(last // 1000, 65536):
            return now
        last = now
    return last
