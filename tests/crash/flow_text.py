"""The flow that every cell runs. It keeps its own record of what it did, beside what the product says of it."""

FLOW = '''
import json, os, time
from pathlib import Path

def completed(flow, run, state):
    """A hook: says that it was called."""
    with open(Path(run.parameters["folder"]) / f"body.{os.getpid()}", "a") as record:
        record.write(json.dumps({"hook": state.name}) + "\\n")

def crashed(flow, run, state):
    """The same, from whichever process calls it."""
    with open(Path(run.parameters["folder"]) / "crashed", "a") as record:
        record.write(f"{os.getpid()}\\n")

@flow(log_prints=True, on_completion=[completed], on_crashed=[crashed])
def witness(folder: str, lines: int = 30, step_s: float = 0.05, hog: str = ""):
    """Prints numbered lines, and writes down after each that it was printed."""
    pid = os.getpid()
    record = open(Path(folder) / f"body.{pid}", "a", buffering=1)
    record.write(json.dumps({"began": time.clock_gettime(time.CLOCK_BOOTTIME)}) + "\\n")
    (Path(folder) / "began").write_text(str(pid))
    for number in range(lines):
        print(f"{pid} line {number}")
        record.write(json.dumps({"line": number, "at": time.clock_gettime(time.CLOCK_BOOTTIME)}) + "\\n")
        if hog and number == lines // 2:
            Path(hog, "cgroup.procs").write_text(str(pid))
            held = bytearray(os.urandom(1 << 20)) * 512
        time.sleep(step_s)
    record.write(json.dumps({"done": time.clock_gettime(time.CLOCK_BOOTTIME)}) + "\\n")
'''
