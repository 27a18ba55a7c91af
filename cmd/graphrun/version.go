package main

import (
	"fmt"
	goruntime "runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is what a release build sets with -ldflags "-X main.version=v1.2.3";
// without it the module's own version is told.
var version string

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v, revision := buildVersion()
			if a.json() {
				return a.printJSON(map[string]any{"version": v, "revision": revision, "go": goruntime.Version(),
					"os": goruntime.GOOS, "arch": goruntime.GOARCH, "language": 1})
			}
			fmt.Fprintf(a.out, "graphrun %s (%s, %s/%s)\n", v, goruntime.Version(), goruntime.GOOS, goruntime.GOARCH)
			return nil
		},
	}
}

// buildVersion is the release, or what the build knows of its source.
func buildVersion() (v, revision string) {
	v = "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	if version != "" {
		v = version
	}
	return v, revision
}
