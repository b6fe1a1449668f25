"""What takes the network and most of the machine from a process: limits first, then the program in its place.

Runs as a script of its own (`python -I -S confine.py SECONDS MEMORY OUTPUT FD PROGRAM ARGUMENT...`), so it imports nothing
of the package. It writes one word to the file descriptor FD: how the network was taken away.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

CONFINED_BY_NAMESPACE, CONFINED_BY_FILTER, NOT_CONFINED = "namespace", "filter", "none"
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_AF_UNIX = 1
_IO_URING_SETUP = 425
_SECCOMP_ALLOW, _SECCOMP_EPERM = (
    0x7FFF0000,
    0x00050000 | 1,
)  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EPERM
# What the machine calls itself: (its AUDIT_ARCH, the number of socket()).
_AUDIT_ARCH_AND_SOCKET_BY_MACHINE = {
    "x86_64": (0xC000003E, 41),
    "aarch64": (0xC00000B7, 198),
    "riscv64": (0xC00000F3, 198),
}


def limit_resources(seconds: int, memory: int, output: int, *, address: int = 0) -> None:
    """No more than so many seconds of processor time, bytes of memory and bytes in a file.

    `address` limits the address space too, of which some runtimes reserve much and use little.
    """
    try:
        import resource
    except ImportError:  # no such limits on this system; the caller's time-out still holds
        return
    wanted = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_DATA: memory,
        resource.RLIMIT_AS: address,
        resource.RLIMIT_FSIZE: output,
    }
    for what, value in wanted.items():
        if value:
            with contextlib.suppress(OSError, ValueError):  # the system has a lower one already
                resource.setrlimit(what, (value, value))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def leave_network(*, namespace: bool = True) -> str:
    """Take the network from this process and its children; the word for how that was done.

    A network namespace of its own where the system gives one, else a filter that refuses every socket but those
    between processes, which containers and hardened systems still permit. `namespace` is False for a program that looks
    at who owns files: inside a user namespace everybody is nobody.
    """
    if not sys.platform.startswith("linux"):
        return NOT_CONFINED
    try:
        system = ctypes.CDLL(None, use_errno=True)
        if namespace and system.unshare(_NEW_USER | _NEW_NETWORK) == 0:
            return CONFINED_BY_NAMESPACE
        return CONFINED_BY_FILTER if _refuse_sockets(system) else NOT_CONFINED
    except (OSError, AttributeError):
        return NOT_CONFINED


class _BpfInstruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("on_true", ctypes.c_uint8),
        ("on_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _BpfProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("code", ctypes.POINTER(_BpfInstruction)))


def _refuse_sockets(system: ctypes.CDLL) -> bool:
    """Whether the kernel took a filter that refuses sockets of every family but AF_UNIX."""
    machine = _AUDIT_ARCH_AND_SOCKET_BY_MACHINE.get(os.uname().machine)
    if machine is None or sys.maxsize < 1 << 32:
        return False
    architecture, socket = machine
    load, is_equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    rows = (
        (load, 0, 0, 4),  # the architecture of the call
        (is_equal, 0, 6, architecture),
        (load, 0, 0, 0),  # its number
        (at_least, 4, 0, 0x40000000),  # the second set of numbers of x86_64
        (is_equal, 3, 0, _IO_URING_SETUP),  # could make sockets without the call
        (is_equal, 0, 3, socket),
        (load, 0, 0, 16),  # its first argument: the family
        (is_equal, 1, 0, _AF_UNIX),
        (give, 0, 0, _SECCOMP_EPERM),
        (give, 0, 0, _SECCOMP_ALLOW),
    )
    code = (_BpfInstruction * len(rows))(*(_BpfInstruction(*row) for row in rows))
    program = _BpfProgram(len(rows), code)
    zero, one = ctypes.c_ulong(0), ctypes.c_ulong(1)
    if system.prctl(_PR_SET_NO_NEW_PRIVS, one, zero, zero, zero) != 0:
        return False
    mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    return bool(system.prctl(_PR_SET_SECCOMP, mode, ctypes.byref(program), zero, zero) == 0)


def confine_and_execute(arguments: list[str]) -> None:
    """Confine this process and become the program that the arguments name."""
    seconds, memory, output, report = map(int, arguments[:4])
    namespace, program = arguments[4] == "namespace", arguments[5:]
    limit_resources(seconds, memory, output)
    with contextlib.suppress(AttributeError):  # Python ignores it, and a program that does writes on and on
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    word = leave_network(namespace=namespace)
    os.write(report, word.encode())
    os.close(report)
    try:
        os.execv(program[0], program)  # noqa: S606  # no shell is what is wanted
    except OSError as error:
        sys.stderr.write(f"{program[0].rpartition('/')[2]} does not run: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    confine_and_execute(sys.argv[1:])
