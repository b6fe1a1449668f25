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

CONFINED_BY_NAMESPACE, CONFINED_BY_SECCOMP_FILTER, NOT_CONFINED = "namespace", "filter", "none"
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_AF_UNIX = 1
_IO_URING_SETUP_SYSCALL_NUMBER = 425
_SECCOMP_RET_ALLOW, _SECCOMP_RET_EPERM = (
    0x7FFF0000,
    0x00050000 | 1,
)  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EPERM
# What the machine calls itself: (its AUDIT_ARCH, the number of socket()).
_AUDIT_ARCH_AND_SOCKET_BY_MACHINE = {
    "x86_64": (0xC000003E, 41),
    "aarch64": (0xC00000B7, 198),
    "riscv64": (0xC00000F3, 198),
}


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
    """Take the network from this process and its children; the word for how that was done.

    A network namespace of its own where the system gives one, else a filter that refuses every socket but those
    between processes, which containers and hardened systems still permit. `use_namespace` is False for a program that looks
    at who owns files: inside a user namespace everybody is nobody.
    """
    if not sys.platform.startswith("linux"):
        return NOT_CONFINED
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if use_namespace and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
            return CONFINED_BY_NAMESPACE
        return CONFINED_BY_SECCOMP_FILTER if _install_socket_filter(libc) else NOT_CONFINED
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


def _install_socket_filter(libc: ctypes.CDLL) -> bool:
    """Whether the kernel took a filter that refuses sockets of every family but AF_UNIX."""
    architecture_and_socket_number = _AUDIT_ARCH_AND_SOCKET_BY_MACHINE.get(os.uname().machine)
    if architecture_and_socket_number is None or sys.maxsize < 1 << 32:
        return False
    audit_architecture, socket_syscall_number = architecture_and_socket_number
    load_opcode, jump_if_equal_opcode, jump_if_at_least_opcode, return_opcode = 0x20, 0x15, 0x35, 0x06
    bpf_instruction_fields = (
        (load_opcode, 0, 0, 4),  # the architecture of the call
        (jump_if_equal_opcode, 0, 6, audit_architecture),
        (load_opcode, 0, 0, 0),  # its number
        (jump_if_at_least_opcode, 4, 0, 0x40000000),  # the second set of numbers of x86_64
        (jump_if_equal_opcode, 3, 0, _IO_URING_SETUP_SYSCALL_NUMBER),  # could make sockets without the call
        (jump_if_equal_opcode, 0, 3, socket_syscall_number),
        (load_opcode, 0, 0, 16),  # its first argument: the family
        (jump_if_equal_opcode, 1, 0, _AF_UNIX),
        (return_opcode, 0, 0, _SECCOMP_RET_EPERM),
        (return_opcode, 0, 0, _SECCOMP_RET_ALLOW),
    )
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
