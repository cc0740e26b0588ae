package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/outpace-dialer/outpace/config"
)

func newConfigCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check or print the configuration"}
	var path string
	check := &cobra.Command{
		Use: "check --config FILE", Short: "Say what is wrong with a configuration, with line, column and key", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(path, os.Environ())
			if err != nil {
				return usageError{err}
			}
			if err := config.CheckFolders(path, cfg); err != nil {
				return usageError{err}
			}
			fmt.Fprintln(cmd.OutOrStdout(), path+": ok")
			if err := config.CheckSecrets(path, cfg); err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "serve will not begin with it: %v\n", err)
			}
			return nil
		},
	}
	var printPath string
	print := &cobra.Command{
		Use: "print [--config FILE]", Short: "Print the configuration in force, defaults and environment included", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := config.Default()
			if printPath != "" {
				var err error
				if cfg, err = config.Load(printPath, os.Environ()); err != nil {
					return usageError{err}
				}
			}
			cfg.Store.URL = cfg.Store.Hidden()
			if cfg.OIDC.ClientSecret != "" {
				cfg.OIDC.ClientSecret = "(hidden)"
			}
			for i := range cfg.Trunks {
				if cfg.Trunks[i].Password != "" {
					cfg.Trunks[i].Password = "(hidden)"
				}
			}
			return yaml.NewEncoder(cmd.OutOrStdout()).Encode(cfg)
		},
	}
	configFlag(check, &path)
	print.Flags().StringVarP(&printPath, "config", "c", "", "configuration file; none prints the defaults")
	cmd.AddCommand(check, print)
	return cmd
}
