// This file is added to a copy of the pacing lab, which lies beside the
// repository where it is at hand: it makes the lab measure one policy on one
// scenario and say so in JSON. See ../../lab_test.go.
package main

import (
	"encoding/json"
	"os"
	"strconv"
)

// init takes over where the lab is asked to agree: FILE RUNS ratio X, or FILE
// RUNS ext COMMAND...
func init() {
	if len(os.Args) < 6 || os.Args[1] != "agree" {
		return
	}
	file, how, rest := os.Args[2], os.Args[4], os.Args[5:]
	runs, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	var last *Ext
	result := evalScen(file, func() Policy {
		if how == "ratio" {
			x, err := strconv.ParseFloat(rest[0], 64)
			if err != nil {
				panic(err)
			}
			return &Ratio{x}
		}
		if last != nil {
			last.close()
		}
		last = &Ext{Argv: rest}
		return last
	}, runs, how)
	if last != nil {
		last.close()
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		panic(err)
	}
	os.Exit(0)
}
