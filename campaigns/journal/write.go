package journal

import (
	"fmt"
)

// segmentBytes is when the next segment begins.
const segmentBytes = 64 << 20

// write serves lines until the channel is closed and empty.
func (j *Journal) write() {
	for first := range j.lines {
		group := j.gather(first)
		err := j.commit(group)
		j.moved()
		for _, l := range group {
			if l.err = err; l.done != nil {
				close(l.done)
			} else if err != nil {
				j.lost.Add(1)
			}
		}
	}
}

// gather adds the lines that wait now: the flush of one group is the time in
// which the next gathers.
func (j *Journal) gather(first *line) []*line {
	group := []*line{first}
	for len(group) < maxGroup {
		select {
		case l, open := <-j.lines:
			if !open {
				return group
			}
			group = append(group, l)
		default:
			return group
		}
	}
	return group
}

// commit writes a group, and flushes it where somebody waits. A segment that
// failed is left as it is: what follows goes into a new one.
func (j *Journal) commit(group []*line) error {
	text, flush := j.text[:0], false
	for _, l := range group {
		text = append(text, l.text...)
		flush = flush || l.done != nil
	}
	j.text = text
	if j.out.broken || j.out.size > segmentBytes {
		if err := j.turn(); err != nil {
			return err
		}
	}
	if err := j.out.append(text, flush); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// turn begins the next segment.
func (j *Journal) turn() error {
	next, err := createSegment(j.dir, j.out.number+1, j.id)
	if err != nil {
		return err
	}
	old := j.out
	j.out = next
	if old.broken {
		_ = old.file.Close() // its error was told
		return nil
	}
	if err := old.file.Sync(); err != nil { // notes that nobody waits for
		j.lost.Add(1)
	}
	_ = old.file.Close()
	return nil
}
