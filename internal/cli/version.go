package cli

import (
	"fmt"
	goruntime "runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the release that this source is, or that it becomes; a Program may have another one.
var version = "0.1.0"

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if a.json() {
				return a.printJSON(versionJSON{version, revision(), goruntime.Version(), goruntime.GOOS, goruntime.GOARCH, 1})
			}
			a.printf("%s\n", a.versionLine())
			return nil
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

func (a *app) versionLine() string {
	return fmt.Sprintf("%s %s (%s, %s/%s)", a.name(), version, goruntime.Version(), goruntime.GOOS, goruntime.GOARCH)
}

// revision is that of the source, "" when the build does not know it.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}
