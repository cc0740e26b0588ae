package plane

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/prompts"
)

func TestOwnPrompts(t *testing.T) {
	folder := t.TempDir()
	own, err := prompts.FS.ReadFile("goodbye.wav")
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("call-back.wav", own)
	put(media.PromptSafeHarbor+".wav", own)
	all, err := Config{Prompts: prompts.FS, PromptDir: folder}.loadPrompts()
	if err != nil {
		t.Fatal(err)
	}
	if all["call-back"] == nil || all[media.PromptSafeHarbor].Duration() != all["call-back"].Duration() || all["beep"] == nil {
		t.Errorf("one's own messages are not there, or not in the place of others: %v", all)
	}
	put("spring.wav", []byte("no sound"))
	for folder, names := range map[string][]string{
		folder:                           {"prompt_dir", folder, "spring.wav"},
		filepath.Join(folder, "nowhere"): {"prompt_dir", "nowhere"},
	} {
		_, err := Config{PromptDir: folder}.loadPrompts()
		if err == nil || slices.ContainsFunc(names, func(n string) bool { return !strings.Contains(err.Error(), n) }) {
			t.Errorf("%s: %v, want an error with %q", folder, err, names)
		}
	}
}
