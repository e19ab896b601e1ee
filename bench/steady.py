"""The part of a run's log that a benchmark may time."""
import json


def steady_rows(log):
    """Two `step` events: between them lies the second half of the run. The last event of a run is none of them: it waits for the device, while each other
    one is written when the loop is 8 windows further, so that from it to them there would be fewer windows than steps. A host that is hardly faster than its device
    takes many steps until it is 8 windows ahead; before, the events have its speed. So a run needs some 200 steps."""
    steps = [line for line in map(json.loads, log.read_text().splitlines()) if line["event"] == "step"]
    if len(steps) < 4:
        raise SystemExit(f"{log}: {len(steps)} step events, a benchmark needs at least 4; lower telemetry.every")
    return steps[len(steps) // 2 - 1], steps[-2]


def seconds_a_step(log):
    first, last = steady_rows(log)
    return (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])
