"""Programs from outside: what they are given, what is taken from them, and what is told of those that give no answer."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from readiness import programs
from readiness.programs import budget, confine, process
from readiness.programs.process import (
    ProcessLimits,
    ProgramError,
    ProgramResult,
    ProgramTimeoutError,
    run_program,
)

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux, where the network can be taken away")
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits")
CONNECT = """\
import socket, sys
for family, address in ((socket.AF_INET, ("127.0.0.1", int(sys.argv[1]))), (socket.AF_INET6, ("::1", int(sys.argv[1])))):
    try:
        socket.socket(family).connect(address)
        print("connected")
    except OSError as error:
        print(type(error).__name__)
"""


class Listener:
    """A server on this machine that counts who comes."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.count = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                self.server.accept()[0].close()
            except OSError:
                return
            self.count += 1


@pytest.fixture
def listener() -> Iterator[Listener]:
    started = Listener()
    yield started
    started.server.close()


def ask(code: str, *arguments: object, folder: Path, **more: object) -> ProgramResult:
    options = {"limits": ProcessLimits(20, 1 << 30, 1 << 20), "environment": {"A": "1"}, **more}
    return run_program([sys.executable, "-I", "-c", code, *map(str, arguments)], working_directory=folder, **options)


@on_linux
@pytest.mark.parametrize("namespace", [True, False])
def test_a_confined_program_reaches_nobody(tmp_path: Path, listener: Listener, namespace: bool) -> None:
    limits = ProcessLimits(20, 1 << 30, 1 << 20, use_namespace=namespace)
    answer = ask(CONNECT, listener.port, folder=tmp_path, limits=limits)
    assert answer.confinement in ({confine.BY_BOTH, confine.BY_SECCOMP_FILTER} if namespace else {confine.BY_SECCOMP_FILTER})
    assert b"connected" not in answer.output
    assert answer.output.count(b"Error") == 2
    assert listener.count == 0


def test_the_same_program_reaches_the_listener_where_nothing_holds_it(tmp_path: Path, listener: Listener) -> None:
    done = subprocess.run([sys.executable, "-c", CONNECT, str(listener.port)], capture_output=True, check=True, cwd=tmp_path)
    assert b"connected" in done.stdout


@on_linux
def test_a_namespace_has_no_device_that_leads_out(tmp_path: Path) -> None:
    code = "print(*[line.split(':')[0].strip() for line in open('/proc/self/net/dev').readlines()[2:]])"
    answer = ask(code, folder=tmp_path)
    if confine.BY_NAMESPACE not in answer.confinement:
        pytest.skip("this system gives no user namespaces; the filter alone keeps the network away")
    assert answer.output.split() in ([], [b"lo"])


SOCKETS = """\
import ctypes, errno, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
numbers = {"x86_64": (41, 425), "aarch64": (198, 425)}[sys.argv[1]]
for family in (1, 2, 10, 16, 17, 40):  # between processes, IPv4, IPv6, netlink, packets, a virtual machine's host
    try:
        socket.socket(family, socket.SOCK_RAW if family in (16, 17) else socket.SOCK_STREAM)
        print("open", family)
    except OSError as error:
        print("refused")
print("open" if libc.syscall(numbers[1], 8, ctypes.create_string_buffer(200)) >= 0 else "refused")
"""


@on_linux
@pytest.mark.parametrize("namespace", [True, False])
def test_a_confined_program_makes_no_socket_of_any_family(tmp_path: Path, namespace: bool) -> None:
    """Those between processes neither: Docker's own and those of agents stand on the disk."""
    machine = os.uname().machine
    if machine not in {"x86_64", "aarch64"}:
        pytest.skip(f"the numbers of calls on {machine} are not written here")
    answer = ask(SOCKETS, machine, folder=tmp_path, limits=ProcessLimits(20, 1 << 30, 1 << 20, use_namespace=namespace))
    assert answer.output.split() == [b"refused"] * 7


CHILDREN = {
    "fork": "import os; pid = os.fork(); pid or os._exit(0)",
    "a program": "import subprocess; subprocess.run(['/bin/true'])",
    "a spawned program": "import os; os.posix_spawn('/bin/true', ['true'], {})",
    "a shell": "import os, sys; sys.exit('refused') if os.system('true') else None",
    "vfork": "import ctypes, sys; sys.exit('refused') if ctypes.CDLL(None).vfork() < 0 else None",
    "clone": "import ctypes, sys; sys.exit('refused') if ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0) < 0 else None",
    "a process of multiprocessing": "import multiprocessing as m; p = m.get_context('fork').Process(target=print); p.start(); p.join()",
}


@on_linux
@pytest.mark.parametrize("code", CHILDREN.values(), ids=CHILDREN)
@pytest.mark.parametrize("namespace", [True, False])
def test_a_confined_program_starts_no_other(tmp_path: Path, code: str, namespace: bool) -> None:
    limits = ProcessLimits(20, 1 << 30, 1 << 20, use_namespace=namespace)
    answer = ask(code, folder=tmp_path, limits=limits)
    assert answer.exit_code == 1
    assert any(word in answer.error_output for word in ("PermissionError", "BlockingIOError", "refused"))
    if "vfork" in code:
        return  # what Python would make of it nobody can tell
    plain = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=False, cwd=tmp_path)
    assert plain.returncode == 0, "it starts one where nothing holds it"


@on_linux
def test_a_confined_program_may_have_threads(tmp_path: Path) -> None:
    code = "import threading; ts = [threading.Thread(target=print, args=('x',)) for _ in range(20)]; [t.start() for t in ts]; [t.join() for t in ts]"
    assert ask(code, folder=tmp_path).output.split() == [b"x"] * 20


@on_linux
def test_a_program_ends_when_its_caller_does(tmp_path: Path) -> None:
    """A caller that is killed leaves nothing behind that goes on."""
    waiting = "import os, time; open('started', 'w').write(str(os.getpid())); time.sleep(60)"
    calling = (
        "import sys; from pathlib import Path; from readiness.programs.process import run_program, ProcessLimits\n"
        f"run_program([sys.executable, '-I', '-c', {waiting!r}], working_directory=Path('.'), environment={{}},"
        " limits=ProcessLimits(60, 1 << 30, 10))"
    )
    caller = subprocess.Popen([sys.executable, "-c", calling], cwd=tmp_path)
    started = tmp_path / "started"
    wait_until(lambda: started.exists() and bool(started.read_text()))
    caller.kill()
    caller.wait()
    wait_until(lambda: not is_running(int(started.read_text())))


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(400):
        if is_so():
            return
        time.sleep(0.05)
    pytest.fail("it did not come to that in 20 seconds")


def is_running(process_id: int) -> bool:
    """Whether a process runs; one that has ended and was not asked for its code does not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


@on_linux
def test_where_no_namespace_is_given_a_filter_refuses_sockets() -> None:
    """A system that gives no user namespaces: the limit of a namespace of its own, at zero."""
    code = (
        "import ctypes, socket, sys; from readiness.programs import confine\n"
        "class System:\n"
        "    unshare = staticmethod(lambda flags: -1)\n"
        "    prctl = ctypes.CDLL(None).prctl\n"
        "confine.ctypes.CDLL = lambda *_, **__: System\n"
        "print(confine.disconnect_from_network())\n"
        "a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1).decode())\n"
        "try: socket.socket(); print('open')\n"
        "except OSError as error: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["filter", "x", "refused"]


def test_other_systems_say_that_nothing_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine.sys, "platform", "darwin")
    assert confine.disconnect_from_network() == confine.NOT_CONFINED


def test_a_program_is_given_what_is_written_out_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "GIT_SSH_COMMAND", "KUBECONFIG", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    code = "import os; print(sorted(set(os.environ) - {'LC_CTYPE', '__CF_USER_TEXT_ENCODING'}))"
    assert ask(code, folder=tmp_path).output.strip() == b"['A']"


@posix
def test_libraries_are_not_looked_for_in_the_folder_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", f":.:lib:{tmp_path}:")
    code = "import os; print(os.environ['LD_LIBRARY_PATH'])"
    assert ask(code, folder=tmp_path).output.decode().strip() == str(tmp_path)


def test_input_goes_in_and_messages_and_codes_come_out(tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read()[::-1]); sys.exit('it is wrong')"
    answer = ask(code, folder=tmp_path, stdin_data=b"abc")
    assert (answer.output.split(), answer.exit_code, answer.failure_reason) == (
        [b"cba"],
        1,
        "it is wrong",
    )


TOO_MUCH = {
    "output": ("print('x' * 3_000_000)", "its output is over 2 MiB"),
    "output without end": ("while True: print('x' * 1000)", "its output is over 2 MiB"),
    "time": ("import time; time.sleep(60)", "it did not finish in 2 seconds"),
}


@posix
@pytest.mark.parametrize(("code", "reason"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_is_told(tmp_path: Path, code: str, reason: str) -> None:
    with pytest.raises(ProgramError, match=reason) as raised:
        ask(code, folder=tmp_path, limits=ProcessLimits(2, 1 << 30, 2 << 20))
    assert isinstance(raised.value, ProgramTimeoutError) is ("finish" in reason)


@on_linux
def test_memory_has_a_limit(tmp_path: Path) -> None:
    answer = ask("x = bytearray(600 << 20)", folder=tmp_path, limits=ProcessLimits(20, 300 << 20, 1 << 20))
    assert answer.exit_code != 0
    assert ask("x = bytearray(60 << 20)", folder=tmp_path, limits=ProcessLimits(20, 300 << 20, 1)).exit_code == 0


@on_linux
def test_processor_time_has_a_limit(tmp_path: Path) -> None:
    code = "import resource, signal\nprint(resource.getrlimit(resource.RLIMIT_CPU)[0], resource.getrlimit(resource.RLIMIT_CORE)[1])"
    assert ask(code, folder=tmp_path).output.split() == [b"20", b"0"]


@on_linux
def test_processor_time_is_limited_apart_from_the_clock(tmp_path: Path) -> None:
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_CPU)[0])"
    limits = ProcessLimits(200, 1 << 30, 1 << 20, processor=7)
    assert ask(code, folder=tmp_path, limits=limits).output.split() == [b"7"]
    before = budget.child_processor_seconds()
    spin = "while True: pass"
    done = ask(spin, folder=tmp_path, limits=ProcessLimits(200, 1 << 30, 1 << 20, processor=1))
    assert done.stopped
    assert budget.child_processor_seconds() > before


@pytest.mark.parametrize(
    ("code", "messages", "stopped"),
    [
        (0, "", False),
        (1, "Error: execution error: out of memory", False),  # in somebody's own words
        (1, "fatal error: out of memory", False),
        (2, "fatal error: runtime: out of memory\n\ngoroutine 1", True),
        (2, "usage", False),
        (-9, "", True),
    ],
)
def test_what_ran_over_its_limits(code: int, messages: str, stopped: bool) -> None:
    assert ProgramResult(b"", messages, code, "").stopped is stopped


def test_a_program_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")  # nothing to launch it with
    with pytest.raises(ProgramError, match="no such file"):
        run_program(
            ["/no/such"],
            working_directory=tmp_path,
            environment={},
            limits=ProcessLimits(5, 0, 10),
        )


@posix
def test_a_program_that_is_not_there_when_it_is_confined(tmp_path: Path) -> None:
    answer = run_program(["/no/such"], working_directory=tmp_path, environment={}, limits=ProcessLimits(5, 0, 10))
    assert (answer.exit_code, answer.failure_reason) == (
        127,
        "such does not run: No such file or directory",
    )


@posix
def test_programs_are_looked_for_on_absolute_folders_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    for folder in (tmp_path, tmp_path / "bin"):
        (folder / "kustomize").write_bytes(b"\x7fELF")
        (folder / "kustomize").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for path in ("", ".", ":", "bin", "./bin"):
        monkeypatch.setenv("PATH", path)
        assert programs.find_program("kustomize") == "", path
    monkeypatch.setenv("PATH", f".:bin:{tmp_path / 'bin'}")
    assert programs.find_program("kustomize") == str(tmp_path / "bin" / "kustomize")


@posix
def test_shims_are_told_from_programs(tmp_path: Path) -> None:
    (tmp_path / "shim").write_text("#!/usr/bin/env bash\nexec asdf exec kubectl\n")
    (tmp_path / "real").write_bytes(b"\x7fELF")
    (tmp_path / "snap").write_bytes(b"\x7fELF")
    (tmp_path / "kubectl").symlink_to("snap")
    shims = [name for name in ("shim", "real", "kubectl", "none") if programs.is_script_or_snap(str(tmp_path / name))]
    assert shims == ["shim", "kubectl"]


def test_a_program_is_told_from_its_next_version(tmp_path: Path) -> None:
    path = tmp_path / "kubectl"
    assert programs.program_identity(str(path)) == programs.program_identity("") == ""
    path.write_text("one")
    first = programs.program_identity(str(path))
    assert first == programs.program_identity(str(path)) != ""
    path.write_text("three")
    assert programs.program_identity(str(path)) != first


def test_a_programs_words_are_bounded_and_steer_nothing(tmp_path: Path) -> None:
    code = "import sys; sys.stderr.write('one\\n::error::' + chr(27) + '[31m' + chr(0x202e) + 'x' * 100000); sys.exit(1)"
    reason = ask(code, folder=tmp_path).failure_reason
    assert reason.startswith("::error::?[31m?xxx")
    assert len(reason) == process.MAX_SHOWN_CHARACTERS


def test_what_a_program_is_given_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ("PATH", "HOME", "TMPDIR", "LANG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "SYSTEMROOT", "PYTHONPATH")
    for name in (*given, "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "KUBECONFIG", "https_proxy", "HELM_PLUGINS", "GIT_CONFIG_COUNT", "DOCKER_HOST"):
        monkeypatch.setenv(name, "/of/the/caller")
    environment = process.environment_of_its_own(tmp_path / "home", ("PYTHONPATH",))
    assert set(environment) == set(given)
    kept = {name for name, value in environment.items() if value == "/of/the/caller"}
    assert kept == {"SYSTEMROOT", "PYTHONPATH"}
    assert all(value.startswith(str(tmp_path)) for name, value in environment.items() if name not in kept | {"PATH", "LANG"})


def test_nothing_is_found_on_the_path_that_programs_get() -> None:
    assert not Path(process.EMPTY_PATH_VARIABLE).is_dir()
