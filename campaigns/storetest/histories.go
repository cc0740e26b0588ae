package storetest

import "testing"

func histories(t *testing.T, open func(t *testing.T) Both) {}
