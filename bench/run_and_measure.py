"""Runs a program to its end and prints how long that took and how much memory it held, as JSON.

A process of its own, and a small one: Linux counts what a parent holds at fork towards its child's peak.
"""

import json
import os
import sys
import time


def main():
    command = sys.argv[1:]
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"seconds": seconds, "peak_bytes": usage.ru_maxrss * 1024, "code": code}))


if __name__ == "__main__":
    main()
