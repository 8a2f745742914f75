"""Tests of the GPU readings, with a stub of pynvml (its names, units and errors), and of the memory of a real process.

The readings have not been tested on a real GPU.
"""
# ruff: noqa: N802  the names are pynvml's

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from speakkit.bench import machine, monitor
from speakkit.bench.monitor import Gpu, Reading, Watch, combined
from speakkit.errors import EngineError
from waiting import wait_until

UUID = "GPU-11111111-2222-3333-4444-555555555555"


class NVMLError(Exception):
    """The error class of pynvml."""


class Nvml:
    """A stub of the used part of pynvml: bytes, milliwatts and percent. Functions in `unknown` are not supported."""

    NVMLError = NVMLError
    NVML_TEMPERATURE_GPU = 0

    def __init__(self):
        self.unknown = set()
        self.driver = True
        self.started = False

    def nvmlInit(self):
        if not self.driver:
            raise NVMLError("NVML Shared Library Not Found")
        self.started = True

    def nvmlDeviceGetHandleByUUID(self, uuid):
        assert self.started
        if uuid != UUID:
            raise NVMLError("Not Found")
        return "handle"

    def answer(self, name, handle, value):
        assert handle == "handle"
        if name in self.unknown:
            raise NVMLError("Not Supported")
        return value

    def nvmlDeviceGetMemoryInfo(self, handle):
        return self.answer("memory", handle, SimpleNamespace(total=24e9, free=17.7e9, used=6.3e9))

    def nvmlDeviceGetUtilizationRates(self, handle):
        return self.answer("utilization", handle, SimpleNamespace(gpu=83, memory=20))

    def nvmlDeviceGetPowerUsage(self, handle):
        return self.answer("power", handle, 201_500)

    def nvmlDeviceGetTemperature(self, handle, sensor):
        assert sensor == self.NVML_TEMPERATURE_GPU
        return self.answer("temperature", handle, 61)

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        held = {11: 2_000_000_000, 12: 1_000_000_000, 13: 500_000_000, 14: None}
        processes = [SimpleNamespace(pid=pid, usedGpuMemory=size) for pid, size in held.items()]
        return self.answer("processes", handle, processes)


@pytest.fixture
def nvml(monkeypatch):
    """Replaces the module pynvml by the stub."""
    stub = Nvml()
    monkeypatch.setitem(sys.modules, "pynvml", stub)
    return stub


def test_stub_has_the_names_of_pynvml(nvml, monkeypatch):
    """Every function of the stub exists in the real pynvml; skipped if nvidia-ml-py is not installed."""
    monkeypatch.delitem(sys.modules, "pynvml")
    real = pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed (extra gpu)")
    assert {name for name in dir(Nvml) if name.lower().startswith("nvml")} <= set(dir(real))


def test_units_are_megabytes_watts_and_percents(nvml):
    """Readings are in megabytes, watts and percent; memory of the workers is separate from that of all processes."""
    assert Gpu(UUID).read([11, 12]) == Reading(None, 6300, 3000, 83, 201.5, 61)
    assert Gpu(UUID).free_mb() == 17_700


def test_what_a_gpu_does_not_tell_is_none(nvml):
    """A gauge that the GPU does not support is None, independently of the other gauges.

    The memory of the workers is None if NVML reports their process ids differently, or without sizes.
    """
    nvml.unknown = {"power", "processes"}
    assert Gpu(UUID).read([11]) == Reading(None, 6300, None, 83, None, 61)
    nvml.unknown = {"memory", "utilization", "temperature"}
    assert Gpu(UUID).read([14]) == Reading(power_w=201.5)
    assert Gpu(UUID).free_mb() is None


def test_absent_is_said_in_a_line(nvml, monkeypatch):
    """An EngineError gives the reason if the driver, the GPU or the package nvidia-ml-py is missing."""
    with pytest.raises(EngineError, match="NVML says: Not Found"):
        Gpu("GPU-other")
    nvml.driver = False
    with pytest.raises(EngineError, match="NVML says: NVML Shared Library Not Found"):
        Gpu(UUID)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(EngineError, match=r"nvidia-ml-py is not installed: pip install 'speakkit\[gpu\]'"):
        Gpu(UUID)


def test_readings_become_one():
    """Memory and temperature combine by maximum, utilisation and power by mean; a gauge without readings stays None."""
    readings = [Reading(100, 5, None, 50, 100, 60), Reading(300, 4, None, 100, None, 59), Reading(200)]
    assert combined(readings) == Reading(300, 5, None, 75, 100, 60)
    assert combined([]) == Reading()


def test_watch_reads_while_its_block_runs(nvml, monkeypatch):
    """The watch samples several times a second while its `with` block runs, and its thread ends with the block."""
    monkeypatch.setattr(monitor, "INTERVAL", 0.01)
    with Watch([os.getpid(), 11], Gpu(UUID)) as watch:
        wait_until(lambda: watch.seen.memory_mb is not None)
    assert watch.seen.memory_mb > 10
    assert watch.seen.vram_workers_mb == 2000
    assert not any(thread.name.endswith("(_watch)") for thread in threading.enumerate())


def test_memory_is_that_of_the_processes():
    """Memory is that of the given processes without shared pages; it is None if the process has ended."""
    code = "held = bytearray(200_000_000); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert 200 < machine.held_mb([child.pid]) < 300
        child.communicate(b"\n", timeout=60)
    assert machine.held_mb([child.pid]) is None


def test_machine_is_described(tmp_path):
    """The machine is described from /proc; if there is no /proc, from Python's own information."""
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Imaginary CPU\nprocessor\t: 1\n")
    (tmp_path / "meminfo").write_text("MemTotal:       32000000 kB\nMemAvailable:   16000000 kB\n")
    found = machine.describe(tmp_path)
    assert (found.cpu, found.memory_gb) == ("Imaginary CPU", 32.8)
    assert found.cores >= 1
    assert machine.free_mb(tmp_path) == 16384
    assert machine.describe(tmp_path / "none").memory_gb is None
    assert machine.free_mb(tmp_path / "none") is None
