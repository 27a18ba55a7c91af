package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/lsp"
)

func lspCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lsp",
		Short: "Speak the Language Server Protocol with an editor",
		Args:  arguments(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if isTerminal(a.out.w) {
				return usagef("an editor starts this command and speaks with it over pipes")
			}
			log := a.logger()
			err := lsp.Serve(cmd.Context(), a.in, a.out, lsp.Options{
				Kinds: a.kinds(), Version: version,
				Log: func(text string) { log.Warn(text) },
			})
			if errors.Is(err, lsp.ErrNoShutdown) {
				return &exitError{code: exitWorkFailed} // as the protocol has it
			}
			return err
		},
	}
	cmd.Flags().Bool("stdio", true, "over standard input and output, the only way there is")
	return cmd
}
