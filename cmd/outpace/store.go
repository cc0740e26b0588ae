package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
)

func newStoreCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "store", Short: "Copies of the lead store, and putting one back"}
	cmd.AddCommand(newStoreBackup(), newStoreRestore())
	return cmd
}

func newStoreBackup() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "backup FILE", Short: "Copy the store into a file, also while the product runs", Args: cobra.ExactArgs(1),
		Long: `Copy the store into a file, also while the product runs.

The copy is the store as it was at one moment. It is checked before it gets its
name; a file that is there is not written over. Recordings are files of their own
(data_dir/recordings) and are not in it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := storePath(path)
			if err != nil {
				return err
			}
			if err := sqlite.Backup(cmd.Context(), store, args[0]); err != nil {
				return err
			}
			info, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes, checked\n", args[0], info.Size())
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func newStoreRestore() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Put a copy in the place of the store; the product must be stopped", Args: cobra.ExactArgs(1),
		Long: `Put a copy in the place of the store; the product must be stopped.

The copy is checked first and stays where it is; the store that was there is kept
aside. What was dialled since the copy was made is written into it from the
journal when the product starts. Where the journal is gone, campaigns are put on
hold, with the reason.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := storePath(path)
			if err != nil {
				return err
			}
			aside, err := sqlite.Restore(cmd.Context(), store, args[0], time.Now())
			if _, inUse := errors.AsType[*sqlite.InUseError](err); inUse {
				return fmt.Errorf("outpace serve is running on this store: stop it first (%w)", err)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is the store now\n", args[0])
			if aside != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "the store that was there: %s\n", aside)
			}
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// storePath is the file of the configured store.
func storePath(path string) (string, error) {
	cfg, err := config.Load(path, os.Environ())
	if err != nil {
		return "", usageError{err}
	}
	store, err := app.StorePath(cfg)
	if err != nil {
		return "", usageError{err}
	}
	return store, nil
}
