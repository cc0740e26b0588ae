package plane

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/outpace-dialer/outpace/media/wav"
)

// loadPrompts reads the messages that come with the product and one's own.
func (c Config) loadPrompts() (map[string]*wav.Prompt, error) {
	all := map[string]*wav.Prompt{}
	if c.Prompts != nil {
		prompts, err := wav.Load(c.Prompts)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, prompts)
	}
	if c.PromptDir == "" {
		return all, nil
	}
	if _, err := os.ReadDir(c.PromptDir); err != nil { // Load finds nothing in a folder that is not there
		return nil, fmt.Errorf("prompt_dir: %w", err)
	}
	own, err := wav.Load(os.DirFS(c.PromptDir))
	if err != nil {
		return nil, fmt.Errorf("prompt_dir: %s: %w", c.PromptDir, err)
	}
	maps.Copy(all, own)
	return all, nil
}

// Prompts are the names that Play knows, sorted.
func (p *Plane) Prompts() []string { return slices.Sorted(maps.Keys(p.prompts)) }
