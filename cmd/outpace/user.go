package main

import (
	"bufio"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
)

func newUserCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "People who sign in"}
	var path, role, name, pin string
	var sees bool
	add := &cobra.Command{
		Use: "add ID --role ROLE", Short: "Create a user, or change one", Args: cobra.ExactArgs(1),
		Long: `Create a user, or change one. The password is asked for, or read as the first
line of standard input. Operators also get a password for their SIP phone,
printed once.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(path, os.Environ())
			if err != nil {
				return usageError{err}
			}
			password, err := readPassword(cmd)
			if err != nil {
				return err
			}
			store, err := app.OpenStore(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer store.Close()
			u := app.NewUser{
				ID: campaigns.UserID(args[0]), Name: name, Role: campaigns.Role(role), Password: password,
				PIN: pin, SeesNumbers: sees, Realm: cfg.Phones.Registrar.Realm,
			}
			if u.Role == campaigns.RoleOperator {
				u.PhonePassword = newSecret()
			}
			if err := app.AddUser(cmd.Context(), store, u); err != nil {
				return usageError{err}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "user %s (%s) saved\n", u.ID, u.Role)
			if u.PhonePassword != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "phone password, shown once: %s\n", u.PhonePassword)
			}
			return nil
		},
	}
	configFlag(add, &path)
	add.Flags().StringVar(&role, "role", "operator", "operator, lead, manager, qa, compliance or admin")
	add.Flags().StringVar(&name, "name", "", "the person's name")
	add.Flags().StringVar(&pin, "pin", "", "digits for the feature code on a shared phone")
	add.Flags().BoolVar(&sees, "sees-numbers", false, "may see unmasked numbers")
	cmd.AddCommand(add)
	return cmd
}

// readPassword asks at a terminal and reads a line elsewhere.
func readPassword(cmd *cobra.Command) (string, error) {
	if in, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprint(cmd.ErrOrStderr(), "password: ")
		b, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(b), err
	}
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if line == "" && err != nil {
		return "", usageError{fmt.Errorf("no password on standard input: %w", err)}
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// newSecret is a password that nobody needs to remember: 130 random bits.
func newSecret() string {
	var b [17]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))[:26]
}
