package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of /proc/PID/stat: systems have had 100 a second for decades.
const tick = 10 * time.Millisecond

// processorTime is the time that processors have spent on this process, and on another one if pid
// is not 0.
func processorTime(pid int) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	all := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	if pid == 0 {
		return all
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return all
	}
	_, rest, _ := strings.Cut(string(b), ") ") // after the name, which may hold blanks
	for _, i := range []int{11, 12} {          // utime and stime
		if f := strings.Fields(rest); len(f) > i {
			n, _ := strconv.Atoi(f[i]) // the kernel writes numbers
			all += time.Duration(n) * tick
		}
	}
	return all
}
