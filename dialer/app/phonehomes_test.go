package app

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/sip/registrar"
)

// homes is a registrar that knows what it is told.
type homes struct {
	list    []registrar.Home
	version uint64
}

func (h *homes) Recall(kept []registrar.Home) {
	h.list = append(h.list, kept...)
	h.version += uint64(len(kept))
}
func (h *homes) Homes() ([]registrar.Home, uint64) { return h.list, h.version }
func (h *homes) HomesVersion() uint64              { return h.version }

func TestPhoneHomesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phones.json")
	first := &homes{}
	keeper := openPhoneHomes(path, first, zap.NewNop())
	keeper.save()
	if _, err := os.Stat(path); err == nil {
		t.Error("a file without anything to keep")
	}
	anna := registrar.Home{User: "anna", Network: netip.MustParseAddr("2001:db8:1:2::"), At: time.Now().Round(0).UTC()}
	first.Recall([]registrar.Home{anna})
	keeper.save()
	second := &homes{}
	openPhoneHomes(path, second, zap.NewNop()).save()
	if len(second.list) != 1 || second.list[0] != anna {
		t.Errorf("kept %v, want %v", second.list, anna)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file %v, %v", info, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("files %v, %v", left, err)
	}
	if err := os.WriteFile(path, []byte(`[{"user":"anna"`), 0o600); err != nil {
		t.Fatal(err)
	}
	third := &homes{}
	openPhoneHomes(path, third, zap.NewNop())
	if len(third.list) != 0 {
		t.Errorf("half a file gives %v", third.list)
	}
}
