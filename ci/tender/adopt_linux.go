// Linux lets a process that is not PID 1 adopt orphans, so that run reaps under
// systemd or a shell as it does in a container.
package main

import "syscall"

// prSetChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
const prSetChildSubreaper = 36

// adoptOrphans cannot fail where it matters: PID 1 adopts them anyway, and
// without it the system's own init does.
func adoptOrphans() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0)
}
