package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/dialer/doctor"
)

func newDoctorCommand() *cobra.Command {
	var path string
	var o doctor.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor --config FILE", Short: "Look at trunks, ports, clock, certificates and store, and say what is wrong and what to do", Args: cobra.NoArgs,
		Long: `Doctor looks at the configuration on the machine that it is for: at each trunk (its
name, OPTIONS, registration, certificate, clock), at addresses and NAT, ports, open
files, clock, time zones, rule packs, certificates and the durability of the store.
It changes nothing and works beside a running product.

It places no call. With --call it calls that one number over the trunk, which must
be one that gives back what it hears (an echo test of the carrier): it sends tones,
listens for them, and says whether audio goes both ways, with delay and loss.

Exit status: 0, 1 where something does not work, 2 where flags or configuration
are wrong.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(path, os.Environ())
			if err != nil {
				return usageError{err}
			}
			if err := checkDoctorFlags(&o, trunkNames(cfg)); err != nil {
				return usageError{err}
			}
			if !cfg.Store.Redis() {
				if o.StoreFile, err = app.StorePath(cfg); err != nil {
					return usageError{err}
				}
			}
			out := cmd.OutOrStdout()
			if !asJSON {
				o.Tell = func(f doctor.Finding) { printFinding(out, f) }
			}
			return concludeDoctor(out, doctor.Examine(cmd.Context(), cfg, o), asJSON)
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&o.Trunk, "trunk", "", "look at this trunk alone")
	cmd.Flags().StringVar(&o.Call, "call", "", "call this number (E.164), which must give an echo, over the trunk")
	cmd.Flags().StringVar(&o.Page, "page", "", "look at the certificate of the pages at this https address")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object at the end, in place of text")
	return cmd
}

func trunkNames(cfg config.Config) []string {
	var names []string
	for _, t := range cfg.Trunks {
		names = append(names, t.Name)
	}
	return names
}

// checkDoctorFlags refuses what was asked for.
func checkDoctorFlags(o *doctor.Options, names []string) error {
	if o.Trunk != "" && !slices.Contains(names, o.Trunk) {
		return fmt.Errorf("--trunk %s: there are %s", o.Trunk, strings.Join(names, ", "))
	}
	if o.Call == "" {
		return nil
	}
	if o.Trunk == "" && len(names) > 1 {
		return fmt.Errorf("--call: say over which --trunk: %s", strings.Join(names, ", "))
	}
	if !strings.HasPrefix(o.Call, "+") {
		return fmt.Errorf("--call %s: not E.164 (+442079460123)", o.Call)
	}
	return nil
}

func printFinding(out io.Writer, f doctor.Finding) {
	word := map[doctor.Verdict]string{doctor.OK: "ok  ", doctor.Warn: "WARN", doctor.Fail: "FAIL"}[f.Verdict]
	fmt.Fprintf(out, "%s  %-12s  %s: %s\n", word, f.Check, f.Subject, f.Cause)
	if f.Next != "" {
		fmt.Fprintf(out, "      %12s  -> %s\n", "", f.Next)
	}
}

// concludeDoctor prints the end and is an error where something failed.
func concludeDoctor(out io.Writer, found []doctor.Finding, asJSON bool) error {
	count := map[doctor.Verdict]int{}
	for _, f := range found {
		count[f.Verdict]++
	}
	if asJSON {
		err := json.NewEncoder(out).Encode(map[string]any{"verdict": doctor.Worst(found), "findings": found})
		if err != nil {
			return err
		}
	} else {
		fmt.Fprintf(out, "%d ok, %d warnings, %d failed\n", count[doctor.OK], count[doctor.Warn], count[doctor.Fail])
	}
	if count[doctor.Fail] > 0 {
		return errors.New("doctor: something does not work")
	}
	return nil
}
