"""Run a command and say what it took.

    measure.py COMMAND...

Prints one line: wall seconds, CPU seconds (user and system of the process
and all its descendants that were waited for), peak of the resident memory of
all of them together in MiB. Memory is the sum of VmRSS in /proc, sampled every
20 ms: pages that processes share count once for each. The command's own output
goes to stderr.
"""
import os
import resource
import subprocess
import sys
import threading
import time


def descendants(root):
    children = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name) as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    todo, found = [root], []
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def resident(pid):
    try:
        with open("/proc/%d/statm" % pid) as f:
            return int(f.read().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


def main(command):
    peak = 0
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=sys.stderr)
    done = threading.Event()

    def watch():
        nonlocal peak
        while not done.is_set():
            peak = max(peak, sum(map(resident, descendants(process.pid))))
            done.wait(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    wall = time.perf_counter() - start
    done.set()
    watcher.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("%.3f %.3f %.1f" % (wall, used.ru_utime + used.ru_stime,
                              peak / (1 << 20)))
    return status


sys.exit(main(sys.argv[1:]))
