package app

import (
	"os"
	"path/filepath"
	"testing"
)

// TestS28Path: nothing outside the folder of recordings is opened, whatever a path says
// and wherever a link leads.
func TestS28Path(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "recordings")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link.wav": "../secret", "far.wav": secret, "up": ".."} {
		if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "a1.wav"), []byte("RIFF"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := openRecordings(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer r.root.Close()
	for _, path := range []string{"../secret", "../../etc/passwd", "/etc/passwd", secret, "link.wav", "far.wav", "up/secret", "a1.wav\x00", "x/../../secret"} {
		if f, err := r.Open(path); err == nil {
			_ = f.Close()
			t.Errorf("%q is opened", path)
		}
		if r.has(path) {
			t.Errorf("%q is said to be there", path)
		}
	}
	f, err := r.Open("a1.wav")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}
