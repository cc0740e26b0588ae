package main

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
)

func newUserCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "People who sign in"}
	var f userFlags
	add := &cobra.Command{
		Use: "add ID [--role ROLE]", Short: "Create a user, or change one", Args: cobra.ExactArgs(1),
		Long: `Create a user, or change one: what is not said of one who is there stays.

The password is asked for, or read as the first line of standard input; an empty
one keeps that of a user who is there. Operators also get a password for their
SIP phone, printed once.`,
		RunE: func(cmd *cobra.Command, args []string) error { return addUser(cmd, campaigns.UserID(args[0]), f) },
	}
	configFlag(add, &f.config)
	add.Flags().StringVar(&f.role, "role", "", "operator, lead, manager, qa, compliance or admin (default of a new user: operator)")
	add.Flags().StringVar(&f.name, "name", "", "the person's name")
	add.Flags().StringVar(&f.pin, "pin", "", "4 to 12 digits for the feature code on a shared phone")
	add.Flags().BoolVar(&f.sees, "sees-numbers", false, "may see unmasked numbers")
	add.Flags().BoolVar(&f.newPhone, "new-phone-password", false, "give an operator another password for their SIP phone")
	cmd.AddCommand(add)
	return cmd
}

type userFlags struct {
	config, role, name, pin string
	sees, newPhone          bool
}

func addUser(cmd *cobra.Command, id campaigns.UserID, f userFlags) error {
	cfg, err := config.Load(f.config, os.Environ())
	if err != nil {
		return usageError{err}
	}
	password, err := readPassword(cmd)
	if err != nil {
		return err
	}
	store, err := app.OpenStore(cmd.Context(), cfg)
	if _, inUse := errors.AsType[*sqlite.InUseError](err); inUse {
		return fmt.Errorf("outpace serve is running on this store: use PUT /api/v1/users/%s or stop it first (%w)", id, err)
	}
	if err != nil {
		return err
	}
	defer store.Close()
	before, err := store.User(cmd.Context(), id)
	if err != nil && !errors.Is(err, campaigns.ErrNotFound) {
		return err
	}
	u := app.NewUser{ID: id, Name: f.name, Role: campaigns.Role(f.role), Password: password, PIN: f.pin, Realm: cfg.Phones.Registrar.Realm}
	if cmd.Flags().Changed("sees-numbers") {
		u.SeesNumbers = &f.sees
	}
	role := cmp.Or(u.Role, before.Role, campaigns.RoleOperator)
	if role == campaigns.RoleOperator && (before.SIPSHA256 == "" || f.newPhone) {
		u.PhonePassword = newSecret()
	}
	if err := app.AddUser(cmd.Context(), store, u); err != nil {
		return usageError{err}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "user %s (%s) saved\n", id, role)
	if u.PhonePassword != "" {
		fmt.Fprintf(cmd.OutOrStdout(), "phone password, shown once: %s\n", u.PhonePassword)
	}
	return nil
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
