package main

import (
	"os"

	"github.com/graphrun/graphrun/internal/cli"
)

// version is that of a release build, which sets it with -ldflags "-X main.version=1.2.3"; "" is
// that of the source.
var version string

func main() { os.Exit(cli.Main(version)) }
