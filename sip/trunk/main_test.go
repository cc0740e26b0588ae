package trunk

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain sees to it that what a test starts has stopped.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
