// Command outpace is the whole product: the dialer, its demo, and the tools
// around it. main parses flags and calls dialer/app; one file per subcommand.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

// Exit statuses.
const (
	exitFailed = 1
	exitUsage  = 2 // wrong flags or configuration
)

// usageError is a mistake of who called us, not of the work.
type usageError struct{ error }

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, "outpace:", err)
		return exitUsage
	}
	fmt.Fprintln(os.Stderr, "outpace:", err)
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "outpace",
		Short:         "A predictive dialer: leads in, answered calls at operators' phones, outcomes back",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newDemoCommand(), newServeCommand(), newConfigCommand(), newLeadsCommand(), newCampaignCommand(), newStoreCommand(), newUserCommand(),
		newPaceCommand(), newSimulateCommand(), newDetectCommand(), newDoctorCommand(), newVersionCommand())
	blameCaller(root)
	return root
}

// blameCaller makes wrong arguments of a command and those under it usage
// errors. A command that only groups others shows its help, and refuses what it
// does not know.
func blameCaller(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	if !cmd.Runnable() {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())}
			}
			return nil
		}
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	for _, sub := range cmd.Commands() {
		blameCaller(sub)
	}
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "outpace", version) },
	}
}

// secondSignal is a context that ends when the user insists: a signal after the
// first one.
func secondSignal(first context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(first))
	again := make(chan os.Signal, 1)
	stop := context.AfterFunc(first, func() {
		signal.Notify(again, syscall.SIGINT, syscall.SIGTERM)
		go func() { // ends with the process, or with the second signal
			<-again
			cancel()
		}()
	})
	return ctx, func() { stop(); cancel() }
}
