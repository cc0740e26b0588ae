package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
)

func newServeCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "serve --config FILE", Short: "Run the product", Args: cobra.NoArgs,
		Long: `Run the product.

SIGTERM and SIGINT end it in peace: no new call is placed, and the talks in progress
are waited for, up to drain.timeout; a second one ends them too. SIGHUP says in the log
whether the configuration file has changed, which takes effect at the next start, and
whether it would be taken. Certificates are read again by themselves.

Exit status: 0, 1 where something failed, 2 where flags or configuration are wrong.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(path, os.Environ())
			if err != nil {
				return usageError{err}
			}
			if err := config.CheckSecrets(path, cfg); err != nil {
				return usageError{err}
			}
			if err := config.CheckFolders(path, cfg); err != nil {
				return usageError{err}
			}
			log, err := newLogger(cfg.Log.Level)
			if err != nil {
				return usageError{err}
			}
			defer log.Sync() //nolint:errcheck // nothing is left to tell it to
			defer followHangups(path, cfg, log)()
			force, stop := secondSignal(cmd.Context())
			defer stop()
			app.EaseCollector()
			a, err := app.Open(cmd.Context(), cfg, app.Options{Version: version, Log: log})
			if err != nil {
				return err
			}
			go func() { // ends with Run: Ready is closed, or the process is
				<-a.Ready()
				log.Info("serving", zap.String("http", a.HTTPAddr()), zap.String("url", a.HTTPURL()), zap.String("admin", a.AdminAddr()), zap.String("phones", a.PhonesAddr()))
				if cmd.Flags().Changed("announce") {
					if print := a.Fingerprint(); print != "" {
						fmt.Fprintf(cmd.OutOrStdout(), "certificate %s\n", print)
					}
					fmt.Fprintf(cmd.OutOrStdout(), "http %s\nadmin %s\nphones %s\nphones-tcp %s\n", a.HTTPAddr(), a.AdminAddr(), a.PhonesAddr(), a.PhonesTCPAddr())
				}
			}()
			return a.Run(cmd.Context(), force)
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().Bool("announce", false, "print the addresses in use on standard output when ready")
	return cmd
}

func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "outpace.yaml", "configuration file")
}

// newLogger writes JSON lines to standard error.
func newLogger(level string) (*zap.Logger, error) {
	l, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	c := zap.NewProductionConfig()
	c.Level = zap.NewAtomicLevelAt(l)
	c.Sampling = nil // each call has its one line
	c.EncoderConfig.TimeKey, c.EncoderConfig.EncodeTime = "ts", zapcore.RFC3339NanoTimeEncoder
	c.DisableStacktrace, c.DisableCaller = true, true
	return c.Build()
}
