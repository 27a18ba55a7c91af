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
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if a.json() {
				v, revision := buildVersion()
				return a.printJSON(versionJSON{v, revision, goruntime.Version(), goruntime.GOOS, goruntime.GOARCH, 1})
			}
			_, err := fmt.Fprintln(a.out, versionLine())
			return err
		},
	}
}

// versionJSON is what `version -o json` prints.
type versionJSON struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of the source; "" when it is not known
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Language int    `json:"language"` // the highest `graphrun:` that it reads
}

func versionLine() string {
	v, _ := buildVersion()
	return fmt.Sprintf("graphrun %s (%s, %s/%s)", v, goruntime.Version(), goruntime.GOOS, goruntime.GOARCH)
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
