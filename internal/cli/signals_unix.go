//go:build unix

package cli

import (
	"os"
	"syscall"
)

// reloadSignals make a server look at its graph files.
var reloadSignals = []os.Signal{syscall.SIGHUP}
