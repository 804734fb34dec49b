#!/usr/bin/env python3
"""boot.py [--cache FOLDER] [--timeout SECONDS] COMMAND...: runs COMMAND as root in a virtual machine.

The machine has Debian's generic kernel, unpacked and not installed, the host's files with a scratch layer over
them, and a virtual USB controller (vhci_hcd). It is emulated (TCG): KVM is not used, nor looked for. What
COMMAND prints is printed, and its exit status is the exit status; 77 when a program is missing, which is
named; 1 when the machine does not end in time, which is much more than it takes."""
import argparse
import lzma
import os
import pathlib
import platform
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
MODULES = ["vhci_hcd", "9p", "9pnet_virtio", "virtio_pci", "overlay"]
XZ = b"\xfd7zXZ\0"
KERNEL = "nokaslr loglevel=2 mitigations=off panic=-1 console=ttyS0"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MEMORY = 768  # megabytes


def need(*programs):
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        print("missing: " + ", ".join(missing))
        sys.exit(1 if os.environ.get("CI") == "true" else 77)


def run(*words):
    """Its output. What it says against it is shown."""
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def from_lists(ask):
    """What ask() makes of apt's lists of packages. They may be older than what the server has, or not there."""
    found = ask()
    if not found:
        run("apt-get", "update")
        found = ask()
    if not found:
        sys.exit("Debian's package linux-image-amd64 is not to be had.")
    return found


def kernel_package():
    said = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=False)
    found = re.search(r"Depends: (linux-image-\S+)", said.stdout)
    return found and found[1]


def download(name, folder):
    subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "download", name], cwd=folder,
                   stdout=subprocess.DEVNULL, check=False)
    return next(pathlib.Path(folder).glob("*.deb"), None)


def fetch(cache):
    """The kernel as an ELF file, which starts faster than a packed one, and its modules."""
    name = from_lists(kernel_package)
    version = name.removeprefix("linux-image-")
    root = cache / version
    if not (root / "done").exists():
        shutil.rmtree(root, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            package = from_lists(lambda: download(name, folder))
            root.mkdir()
            run("dpkg-deb", "-x", package, root)
        packed = (root / "boot" / f"vmlinuz-{version}").read_bytes()
        (root / "vmlinux").write_bytes(lzma.LZMADecompressor().decompress(packed[packed.index(XZ):]))
        run("depmod", "-b", root, version)
        (root / "done").touch()
    return root, version


def modules(root, version):
    """The files of our modules and those that they need, in the order of loading."""
    found = []
    for module in MODULES:
        for line in run("modprobe", "-d", root, "-S", version, "--show-depends", module).splitlines():
            words = line.split()
            if words[0] == "insmod" and words[1] not in found:
                found.append(words[1])
    return [pathlib.Path(f) for f in found]


def cpio(entries):
    """An archive in the form that kernels unpack: names, modes and octets."""
    out = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")]):
        raw = name.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def initial_files(root, version, command):
    loaded = modules(root, version)
    folders = ["bin", "dev", "host", "layer", "modules", "proc", "root", "sys", "tree-below"]
    files = {"init": (HERE / "init").read_bytes(), "command": command.encode(), "tree": os.getcwd().encode(),
             "bin/busybox": pathlib.Path(shutil.which("busybox")).read_bytes(),
             "modules/order": "".join(f"{m.name}\n" for m in loaded).encode()}
    files |= {f"modules/{m.name}": m.read_bytes() for m in loaded}
    return cpio([(f, stat.S_IFDIR | 0o755, b"") for f in folders] +
                [(name, stat.S_IFREG | 0o755, data) for name, data in files.items()])


def boot(cache, command, timeout):
    root, version = fetch(cache)
    with tempfile.NamedTemporaryFile(prefix="cardea-vm.") as archive:
        archive.write(initial_files(root, version, command))
        archive.flush()
        machine = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "qemu64", "-m", str(MEMORY), "-nodefaults",
             "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", root / "vmlinux",
             "-initrd", archive.name, "-append", KERNEL,
             "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
             "-device", "virtio-9p-pci,fsdev=host,mount_tag=host"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        clock = threading.Timer(timeout, machine.kill)
        clock.start()
        status = None
        try:
            for line in machine.stdout:
                ended = re.match(r"VM ENDED (\d+)", line)
                status = int(ended[1]) if ended else status
                if not ended:
                    print(line.rstrip("\r\n"), flush=True)
        finally:
            clock.cancel()
            machine.kill()
            machine.wait()
    if status is None:
        print(f"The machine did not end by itself within {timeout} s.")
    return 1 if status is None else status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, default=HERE.parents[2] / "build" / "vm")
    parser.add_argument("--timeout", type=int, default=600)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if platform.machine() != "x86_64":
        print("the machine is of kind x86_64, and so has to be its host, whose programs it runs")
        return 77
    need("qemu-system-x86_64", "busybox", "depmod", "modprobe", "apt-get", "dpkg-deb")
    arguments.cache.mkdir(parents=True, exist_ok=True)
    command = f"export PATH={SYSTEM_PATH}; cd {shlex.quote(os.getcwd())} && exec {shlex.join(arguments.command)}\n"
    return boot(arguments.cache.resolve(), command, arguments.timeout)


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    sys.exit(main())
