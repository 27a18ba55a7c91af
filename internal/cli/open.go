package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/runtime/api"
)

func openCommand(a *app) *cobra.Command {
	var only bool
	cmd := &cobra.Command{
		Use:   "open",
		Short: "Open the dashboard of the server in a browser",
		Args:  arguments(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := a.link(cmd.Context())
			if err != nil {
				return err
			}
			opened := !only && !a.json() && openBrowser(cmd.Context(), url) == nil
			switch {
			case a.json():
				return a.printJSON(api.Link{URL: url})
			case opened:
				a.printf("the dashboard opens in your browser\n")
			default:
				a.printf("%s\n", url)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&only, "print", false, "print the link, and open nothing")
	return cmd
}

// link asks the server that owns the store for a link.
func (a *app) link(ctx context.Context) (string, error) {
	c, err := api.DialOwner(ctx, a.db)
	switch {
	case errors.Is(err, api.ErrNoOwner):
		return "", usagef("no server runs the store %s: `graphrun serve` does, and its dashboard shows the stacks", a.db)
	case err != nil:
		return "", a.outOfReach(err)
	}
	l, err := c.Link(ctx)
	return l.URL, firstOf(said(err), c.Close())
}

// openBrowser shows a page in the browser of the person at this machine. It is an error
// that there is none.
func openBrowser(ctx context.Context, url string) error {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return errors.New("there is no screen")
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, args...) // it outlives this command
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}
