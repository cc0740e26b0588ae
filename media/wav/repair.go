package wav

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// Repair puts the right sizes into the header of a recording that a crash cut
// short, and says whether it changed the file. A file without a whole header
// becomes an empty recording.
func Repair(root *os.Root, name string) (bool, error) {
	file, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false, fmt.Errorf("repair: %w", err)
	}
	changed, err := repair(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return changed, fmt.Errorf("repair %s: %w", name, err)
	}
	return changed, nil
}

func repair(file *os.File) (bool, error) {
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() < headerSize {
		_, err := file.WriteAt(header(0), 0)
		return true, errors.Join(err, file.Truncate(headerSize))
	}
	l, err := readLayout(file)
	if err != nil {
		return false, err
	}
	if l.format != formatULaw || l.channels != 2 || l.data != headerSize {
		return false, fmt.Errorf("%w: not our recording", ErrFormat)
	}
	size := (info.Size() - l.data) / blockAlign * blockAlign
	if l.size == size && info.Size() == l.data+size {
		return false, nil
	}
	_, err = file.WriteAt(header(uint32(size)), 0)
	return true, errors.Join(err, file.Truncate(l.data+size))
}

// RepairDir repairs every .wav under dir and returns the names of those that
// it changed. It goes on after an error and returns all of them joined. No
// recording may be running.
func RepairDir(dir string) ([]string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("repair: %w", err)
	}
	defer root.Close()
	var repaired []string
	var problems []error
	walk := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || path.Ext(name) != ".wav" {
			problems = append(problems, err)
			return nil
		}
		changed, err := Repair(root, name)
		if changed {
			repaired = append(repaired, name)
		}
		problems = append(problems, err)
		return nil
	})
	return repaired, errors.Join(append(problems, walk)...)
}
