"""What takes the network, other processes and most of the machine from a process: limits first, then the program in its place.

Runs as a script of its own (`python -I -S confine.py SECONDS MEMORY OUTPUT FD PROGRAM ARGUMENT...`), so it imports nothing
of the package. It writes to the file descriptor FD how the network was taken away.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

BY_NAMESPACE, BY_SECCOMP_FILTER, BY_BOTH, NOT_CONFINED = "namespace", "filter", "namespace filter", "none"
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_CLONE_THREAD = 0x10000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 1, 38, 22, 2
_IO_URING_SETUP_SYSCALL_NUMBER, _CLONE3_SYSCALL_NUMBER = 425, 435
_SECCOMP_RET_ALLOW, _SECCOMP_RET_ERRNO, _EPERM, _ENOSYS = 0x7FFF0000, 0x00050000, 1, 38
# What the machine calls itself: (its AUDIT_ARCH, the number of clone(), those of the calls that are refused: socket(), fork(), vfork(), ptrace()).
_AUDIT_ARCH_AND_SYSCALLS_BY_MACHINE: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, 56, (41, 57, 58, 101)),
    "aarch64": (0xC00000B7, 220, (198, 117)),
    "riscv64": (0xC00000F3, 220, (198, 117)),
}
_MAX_PROCESSES_WITHOUT_FILTER = 512  # processes and threads of a namespace where no filter is to be had


def limit_resources(cpu_seconds: int, memory_bytes: int, file_size_bytes: int, *, address_space_bytes: int = 0) -> None:
    """No more than so many seconds of processor time, bytes of memory and bytes in a file.

    `address_space_bytes` limits the address space too, of which some runtimes reserve much and use little.
    """
    try:
        import resource
    except ImportError:  # no such limits on this system; the caller's time-out still holds
        return
    limit_by_resource = {
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_DATA: memory_bytes,
        resource.RLIMIT_AS: address_space_bytes,
        resource.RLIMIT_FSIZE: file_size_bytes,
    }
    for resource_id, resource_limit in limit_by_resource.items():
        if resource_limit:
            with contextlib.suppress(OSError, ValueError):  # the system has a lower one already
                resource.setrlimit(resource_id, (resource_limit, resource_limit))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def disconnect_from_network(*, use_namespace: bool = True) -> str:
    """Take the network from this process and its children, and let it start no other process; the words for how: `namespace`, `filter`, or `none`.

    A network namespace of its own where the system gives one, and a filter that refuses every socket, which containers and
    hardened systems still permit; either is enough. The filter lets a program have threads and no child: one process is all there is.
    `use_namespace` is False for a program that looks at who owns files: inside a user namespace everybody is nobody.
    """
    if not sys.platform.startswith("linux"):
        _limit_processes(1)  # none more than there are, on systems that count processes and not threads
        return NOT_CONFINED
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), *[ctypes.c_ulong(0)] * 3)  # it ends when its caller does
        has_namespace = use_namespace and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
        has_filter = _install_syscall_filter(libc)
    except (OSError, AttributeError):
        return NOT_CONFINED
    if has_namespace and not has_filter:
        _limit_processes(_MAX_PROCESSES_WITHOUT_FILTER)
    if has_namespace:
        return BY_BOTH if has_filter else BY_NAMESPACE
    return BY_SECCOMP_FILTER if has_filter else NOT_CONFINED


def _limit_processes(process_count: int) -> None:
    """Let the user of this process have so many processes (on Linux those of its namespace, threads among them)."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_NPROC, (process_count, process_count))


class _BpfInstruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("on_true", ctypes.c_uint8),
        ("on_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _BpfProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("code", ctypes.POINTER(_BpfInstruction)))


def _install_syscall_filter(libc: ctypes.CDLL) -> bool:
    """Whether the kernel took a filter that refuses sockets, and processes other than threads."""
    architecture_and_syscalls = _AUDIT_ARCH_AND_SYSCALLS_BY_MACHINE.get(os.uname().machine)
    if architecture_and_syscalls is None or sys.maxsize < 1 << 32:
        return False
    audit_architecture, clone_syscall_number, refused_syscall_numbers = architecture_and_syscalls
    refused_syscall_numbers = (*refused_syscall_numbers, _IO_URING_SETUP_SYSCALL_NUMBER)  # io_uring could make sockets without the call
    load, jump_if_equal, jump_if_at_least, jump_if_any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    refused_count = len(refused_syscall_numbers)
    bpf_instruction_fields = [
        (load, 0, 0, 4),  # the architecture of the call
        (jump_if_equal, 0, refused_count + 6, audit_architecture),
        (load, 0, 0, 0),  # its number
        (jump_if_at_least, refused_count + 4, 0, 0x40000000),  # the second set of numbers of x86_64
        *((jump_if_equal, refused_count - index + 3, 0, number) for index, number in enumerate(refused_syscall_numbers)),
        (jump_if_equal, 4, 0, _CLONE3_SYSCALL_NUMBER),  # its flags cannot be seen; libraries then call clone()
        (jump_if_equal, 0, 4, clone_syscall_number),
        (load, 0, 0, 16),  # the first argument of clone(): its flags
        (jump_if_any_bit, 2, 0, _CLONE_THREAD),
        (answer, 0, 0, _SECCOMP_RET_ERRNO | _EPERM),
        (answer, 0, 0, _SECCOMP_RET_ERRNO | _ENOSYS),
        (answer, 0, 0, _SECCOMP_RET_ALLOW),
    ]
    bpf_instructions = (_BpfInstruction * len(bpf_instruction_fields))(*(_BpfInstruction(*row) for row in bpf_instruction_fields))
    bpf_program = _BpfProgram(len(bpf_instruction_fields), bpf_instructions)
    ulong_zero, ulong_one = ctypes.c_ulong(0), ctypes.c_ulong(1)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, ulong_one, ulong_zero, ulong_zero, ulong_zero) != 0:
        return False
    seccomp_mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    return bool(libc.prctl(_PR_SET_SECCOMP, seccomp_mode, ctypes.byref(bpf_program), ulong_zero, ulong_zero) == 0)


def confine_and_execute(arguments: list[str]) -> None:
    """Confine this process and become the program that the arguments name."""
    cpu_seconds, memory_bytes, output_bytes, report_descriptor = map(int, arguments[:4])
    use_namespace, program_command = arguments[4] == "namespace", arguments[5:]
    limit_resources(cpu_seconds, memory_bytes, output_bytes)
    with contextlib.suppress(AttributeError):  # Python ignores it, and a program that does writes on and on
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    confinement = disconnect_from_network(use_namespace=use_namespace)
    os.write(report_descriptor, confinement.encode())
    os.close(report_descriptor)
    try:
        os.execv(program_command[0], program_command)  # noqa: S606  # no shell is what is wanted
    except OSError as error:
        sys.stderr.write(f"{program_command[0].rpartition('/')[2]} does not run: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    confine_and_execute(sys.argv[1:])
