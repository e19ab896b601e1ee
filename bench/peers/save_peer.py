"""Peers of saves: how long a caller waits while a model's weights and Adam's two slots, all float32, are saved, and until they are on the disk.

usage: save_peer.py --parameters N --folder DIR [--device cuda] [--ways disk,torch.save,safetensors,dcp.async,dcp.pinned,dcp.staged] [--repeats 3]
  disk         the same number of bytes, written past the page cache (O_DIRECT) by four threads, and one fsync: what the disk gives
  dcp.async    torch.distributed.checkpoint.async_save as it comes: copied to pageable memory while the caller waits
  dcp.pinned   the same through a stager with page-locked memory
  dcp.staged   and the copying too on a thread; the caller waits for it where the optimizer would step next, which is here at once
Prints one JSON line a way, medians: blocking_s, how long the caller waits; total_s, until everything is written; durable_s, until it is synced as well,
which only `disk` does by itself.
"""
import argparse, json, mmap, os, pathlib, shutil, statistics, threading, time

import torch

WAYS = ("disk", "torch.save", "safetensors", "dcp.async", "dcp.pinned", "dcp.staged")
PART = 16 << 20


def state(parameters, device):
    sizes = [PART] * (parameters // PART) + [parameters % PART]
    return {f"{slot}.{i}": torch.rand(size, device=device) for slot in ("weight", "exp_avg", "exp_avg_sq") for i, size in enumerate(sizes) if size}


def disk(tensors, folder):
    """Whole blocks of 8 MiB; threads take them in turn."""
    block, total = 8 << 20, sum(tensor.nbytes for tensor in tensors.values())
    file = os.open(os.path.join(folder, "raw"), os.O_WRONLY | os.O_CREAT | os.O_DIRECT, 0o644)
    os.posix_fallocate(file, 0, total // block * block)
    begin = time.perf_counter()

    def write(first):
        memory = mmap.mmap(-1, block)
        memory.write(os.urandom(block))
        for offset in range(first * block, total // block * block, 4 * block):
            os.pwrite(file, memory, offset)

    threads = [threading.Thread(target=write, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.fsync(file)
    os.close(file)
    seconds = time.perf_counter() - begin
    return seconds, seconds


def torch_save(tensors, folder):
    begin = time.perf_counter()
    torch.save(tensors, os.path.join(folder, "state.pt"))
    waited = time.perf_counter() - begin
    return waited, waited


def safetensors(tensors, folder):
    from safetensors.torch import save_file

    begin = time.perf_counter()
    save_file(tensors, os.path.join(folder, "state.safetensors"))
    waited = time.perf_counter() - begin
    return waited, waited


def dcp(make_stager):
    def save(tensors, folder):
        import torch.distributed.checkpoint as checkpoint

        stager = make_stager()  # async_save closes the one that it was given
        begin = time.perf_counter()
        answer = checkpoint.async_save(tensors, checkpoint_id=os.path.join(folder, "dcp"), async_stager=stager)
        if hasattr(answer, "staging_completion"):
            answer.staging_completion.result()
            answer = answer.upload_completion
        waited = time.perf_counter() - begin
        answer.result()
        return waited, time.perf_counter() - begin

    return save


def dcp_pinned(is_staged):
    from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions

    return dcp(lambda: DefaultStager(StagingOptions(use_pinned_memory=True, use_shared_memory=False, use_async_staging=is_staged, use_non_blocking_copy=True)))


def sync(folder):
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.close(file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--parameters", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29511")
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    tensors = state(options.parameters, options.device)
    size = sum(tensor.nbytes for tensor in tensors.values())
    makers = {"disk": lambda: disk, "torch.save": lambda: torch_save, "safetensors": lambda: safetensors, "dcp.async": lambda: dcp(lambda: None), "dcp.pinned": lambda: dcp_pinned(False), "dcp.staged": lambda: dcp_pinned(True)}
    for way in WAYS:
        if way not in options.ways.split(",") or (way in ("dcp.pinned", "dcp.staged") and options.device == "cpu"):
            continue
        save, waits, totals, durables = makers[way](), [], [], []
        for _ in range(options.repeats + 1):  # the first one makes buffers
            os.makedirs(options.folder, exist_ok=True)
            if options.device != "cpu":
                torch.cuda.synchronize()
            begin = time.perf_counter()
            waited, total = save(tensors, options.folder)
            sync(options.folder)
            waits.append(waited)
            totals.append(total)
            durables.append(time.perf_counter() - begin)
            shutil.rmtree(options.folder)
        middle = lambda values: round(statistics.median(values[1:]), 4)
        print(json.dumps({"way": way, "bytes": size, "blocking_s": middle(waits), "total_s": middle(totals), "durable_s": middle(durables), "gb_s": round(size / 1e9 / middle(durables), 3),
                          "values": [round(w, 4) for w in waits]}), flush=True)


if __name__ == "__main__":
    main()
