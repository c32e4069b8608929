"""Becomes another program that dies with its parent. A plain script, never imported.

`python -I -S launch.py PARENT_PID SIGNAL PID_FILE|- ISOLATION -- PROGRAM [ARGUMENTS…]`

A new session keeps the terminal's Ctrl-C away from the program, so that the parent can stop its programs in
order. The parent-death signal is set last, since a change of identity clears it; the parent is looked at once
more after that, for it may have died in between. ISOLATION is `none`, `namespace` (a user namespace in which
root looks like an ordinary user, for programs that refuse root) or `nobody` (setuid, where user namespaces
are forbidden).
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
UNPRIVILEGED_ID = 1000


def main() -> None:
    parent, death_signal, pid_file, isolation, dashes, *program = sys.argv[1:]
    if dashes != "--":
        sys.exit("usage: launch.py PARENT_PID SIGNAL PID_FILE|- ISOLATION -- PROGRAM [ARGUMENTS…]")
    os.setsid()
    if pid_file != "-":
        write_pid_file(pid_file)
    libc = ctypes.CDLL(None, use_errno=True)
    if isolation == "namespace":
        enter_namespace(libc)
    elif isolation == "nobody":
        become_nobody()
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    if libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != int(parent):
        sys.exit("the parent is gone")
    os.execv(program[0], program)


def write_pid_file(path: str) -> None:
    """Process id and start time: together they name one process for ever, though ids are used again."""
    with open("/proc/self/stat") as stat:
        started = stat.read().rpartition(")")[2].split()[19]
    with open(f"{path}.new", "w") as file:
        file.write(f"{os.getpid()} {started}\n")
    os.replace(f"{path}.new", path)


def enter_namespace(libc: ctypes.CDLL) -> None:
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        sys.exit(f"unshare failed: {os.strerror(ctypes.get_errno())}")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{UNPRIVILEGED_ID} {user} 1"),
        ("gid_map", f"{UNPRIVILEGED_ID} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def become_nobody() -> None:
    entry = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if __name__ == "__main__":
    main()
