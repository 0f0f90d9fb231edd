#!/usr/bin/env bash
# ray 2.60.0 (PyPI, x86-64 Linux, Python 3.11): the processes that `ray.init` starts live as long as the thread that called it, not as
# long as the program. Linux sends them the signal of PR_SET_PDEATHSIG when that thread ends: a pool's thread, or one that was made so that
# a start that hangs can be given up. `ray.init` returns without an error, `ray.is_initialized()` stays True, and all of Ray is dead.
#
# Workaround: call `ray.init` in a thread that lives until `ray.shutdown()`, such as the main one.
#
# The script starts Ray in the main thread, and in a thread that ends, and lists its processes that are alive three seconds later.
# It fails if those of the second are.
#
# Seen:
#   main thread: initialised True, gcs_server and raylet alive
#   a thread that ended: initialised True, gcs_server and raylet dead
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ray==2.60.0

cat >show.py <<'PYTHON'
import os
import pathlib
import sys
import threading
import time

os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0" * 64)
import ray


def start():
    options = {"include_dashboard": False, "log_to_driver": False, "configure_logging": False}
    ray.init(address="local", num_cpus=1, _temp_dir=str(pathlib.Path.cwd() / sys.argv[1]), **options)


def alive():
    """Names of this process's children that run: a dead one waits as a zombie, of state Z, for its parent."""
    names = set()
    for task in pathlib.Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            name, state = pathlib.Path(f"/proc/{child}/stat").read_text().rpartition(")")[::2]
            if state.split()[0] != "Z":
                names.add(name.partition("(")[2])
    return names


if sys.argv[1] == "main":
    start()
else:
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
time.sleep(3)
found = {"gcs_server", "raylet"} & alive()
where = "main thread" if sys.argv[1] == "main" else "a thread that ended"
state = "alive" if len(found) == 2 else "dead" if not found else "partly dead"
print(f"{where}: initialised {ray.is_initialized()}, gcs_server and raylet {state}", flush=True)
os._exit(0)  # Linux ends the rest
PYTHON

{
    venv/bin/python show.py main
    venv/bin/python show.py thread
} 2>/dev/null | tee seen.txt
diff seen.txt - <<'TEXT'
main thread: initialised True, gcs_server and raylet alive
a thread that ended: initialised True, gcs_server and raylet dead
TEXT
