"""Peer of saves: how long PyTorch stands still while it saves a model's weights and Adam's two slots, all float32 on one GPU.

usage: save_peer.py --parameters N --folder DIR [--ways torch.save,dcp.async] [--repeats 3]
Prints one JSON line a way: the median seconds that the caller waits, and until the bytes are written (fsync is left out: PyTorch makes none).
"""
import argparse, json, os, shutil, statistics, time

import torch


def state(parameters):
    part = 16 << 20
    sizes = [part] * (parameters // part) + [parameters % part]
    return {f"{slot}.{i}": torch.rand(size, device="cuda") for slot in ("weight", "exp_avg", "exp_avg_sq") for i, size in enumerate(sizes) if size}


def torch_save(tensors, folder):
    begin = time.perf_counter()
    torch.save(tensors, os.path.join(folder, "state.pt"))
    waited = time.perf_counter() - begin
    return waited, waited


def dcp_async(tensors, folder):
    import torch.distributed.checkpoint as dcp

    begin = time.perf_counter()
    future = dcp.async_save(tensors, checkpoint_id=os.path.join(folder, "dcp"))
    waited = time.perf_counter() - begin
    future.result()
    return waited, time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--parameters", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--ways", default="torch.save,dcp.async")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29511")
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    tensors = state(options.parameters)
    for way, save in (("torch.save", torch_save), ("dcp.async", dcp_async)):
        if way not in options.ways.split(","):
            continue
        waits, totals = [], []
        for _ in range(options.repeats):
            os.makedirs(options.folder, exist_ok=True)
            torch.cuda.synchronize()
            waited, total = save(tensors, options.folder)
            waits.append(waited)
            totals.append(total)
            shutil.rmtree(options.folder)
        print(json.dumps({"way": way, "blocking_s": round(statistics.median(waits), 4), "total_s": round(statistics.median(totals), 3), "values": [round(w, 4) for w in waits]}), flush=True)


if __name__ == "__main__":
    main()
