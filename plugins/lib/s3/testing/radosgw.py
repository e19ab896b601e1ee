"""An object store of Ceph's on 127.0.0.1: one monitor, one OSD in memory, one gateway, in a temporary folder. Gone when the context ends."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

ACCESS_KEY, SECRET_KEY = "AKIDTEST", "sekret/123+"

CONFIG = """[global]
fsid={fsid}
mon_host=v1:127.0.0.1:{monitor_port}
mon_initial_members=a
public_network=127.0.0.0/8
auth_cluster_required=none
auth_service_required=none
auth_client_required=none
osd_pool_default_size=1
osd_pool_default_min_size=1
osd_pool_default_pg_num=8
osd_pool_default_pgp_num=8
osd_pool_default_pg_autoscale_mode=off
mon_allow_pool_size_one=true
osd_crush_chooseleaf_type=0
mon_max_pg_per_osd=1000
ms_bind_msgr2=false
run_dir={folder}/run
log_file={folder}/log/$name.log
admin_socket={folder}/run/$name.asok
pid_file={folder}/run/$name.pid
crash_dir={folder}/crash
[mon.a]
mon_data={folder}/mon
mon_addr=127.0.0.1:{monitor_port}
[osd]
osd_data={folder}/osd
osd_objectstore=memstore
memstore_device_bytes=8589934592
osd_class_dir={classes}
[client.rgw.a]
rgw_frontends=beast endpoint=127.0.0.1:{gateway_port}
rgw_data={folder}/rgw
rgw_gc_obj_min_wait=2
rgw_gc_processor_period=3
rgw_enable_usage_log=false
"""


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Radosgw:
    """`url` is its address; ACCESS_KEY and SECRET_KEY are a user's."""

    def __enter__(self):
        self.processes = []
        for attempt in range(3):  # a port that was free may be taken a moment later
            self.folder = Path(tempfile.mkdtemp(prefix="radosgw-"))
            try:
                self._start()
                return self
            except (OSError, subprocess.SubprocessError, TimeoutError) as failure:
                self._report(failure)
                self.__exit__()
                if attempt == 2:
                    raise
        return None

    def __exit__(self, *_):
        for process in reversed(self.processes):  # the gateway first, while its OSD still answers
            process.kill()
            process.wait()
        self.processes.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        for name in ("mon", "osd", "rgw", "run", "log", "crash"):
            (self.folder / name).mkdir()
        self.config = self.folder / "ceph.conf"
        fsid, osd, monitor_port, gateway_port = uuid.uuid4(), uuid.uuid4(), _free_port(), _free_port()
        classes = next(Path("/usr/lib").glob("*/rados-classes"), "")
        self.config.write_text(CONFIG.format(fsid=fsid, monitor_port=monitor_port, gateway_port=gateway_port, folder=self.folder, classes=classes))
        monitors = self.folder / "monmap"
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v1:127.0.0.1:{monitor_port}]", monitors)
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monitors)
        self._daemon("ceph-mon", "-i", "a")
        self._run("ceph", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._daemon("ceph-osd", "-i", "0")
        self._daemon("radosgw", "-n", "client.rgw.a")
        self.url = f"http://127.0.0.1:{gateway_port}"
        self._wait_for_gateway()
        self._run("radosgw-admin", "user", "create", "--uid=tester", "--display-name=tester", f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}")

    def _environment(self):
        return os.environ | {"CEPH_CONF": str(self.config)}

    def _run(self, *words):
        subprocess.run([*map(str, words), "-c", str(self.config)], env=self._environment(), check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _daemon(self, *words):
        command = [*words, "-f", "-c", str(self.config)]
        self.processes.append(subprocess.Popen(command, env=self._environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent))

    def _wait_for_gateway(self):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if any(process.poll() is not None for process in self.processes):
                raise TimeoutError("a daemon ended")
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        raise TimeoutError("the gateway did not come up")

    def _report(self, failure):
        print(f"radosgw did not start: {failure}; {getattr(failure, 'stderr', b'')!r}", file=__import__("sys").stderr)
        for log in sorted((self.folder / "log").glob("*.log")):
            print(f"{log.name}: " + "\n".join(log.read_text(errors="replace").splitlines()[-5:]), file=__import__("sys").stderr)
