//go:build !unix

package cli

import "os"

// reloadSignals: there is none here; POST /v1/reload does the same.
var reloadSignals = []os.Signal{}
