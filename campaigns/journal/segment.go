package journal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// segment is one file of a journal: a line that names the journal, then the
// facts, each behind its checksum in eight hexadecimal digits.
type segment struct {
	file   *os.File
	number int
	size   int64
	broken bool
}

// heading is the first line of a segment.
type heading struct {
	Journal string `json:"journal"`
}

var checksums = crc32.MakeTable(crc32.Castagnoli)

// unsummed is the room for the checksum, before a line.
const unsummed = "00000000 "

// seal puts the checksum into the room before a line, and the end behind it.
func seal(b []byte) []byte {
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.Checksum(b[len(unsummed):], checksums))
	hex.Encode(b, sum[:])
	return append(b, '\n')
}

// sealed is a line with both.
func sealed(text []byte) []byte { return seal(append([]byte(unsummed), text...)) }

// unsealed takes both off; false where the line is not what was written.
func unsealed(b []byte) ([]byte, bool) {
	sum, text, ok := bytes.Cut(bytes.TrimSuffix(b, []byte("\n")), []byte(" "))
	if !ok || !bytes.HasSuffix(b, []byte("\n")) {
		return nil, false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	return text, err == nil && uint32(want) == crc32.Checksum(text, checksums)
}

func segmentName(number int) string { return fmt.Sprintf("%08d.journal", number) }

// segmentsIn are the numbers of the segments in a folder, in order.
func segmentsIn(dir string) ([]int, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var numbers []int
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".journal")
		if n, err := strconv.Atoi(name); ok && err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// createSegment makes a segment whose name and first line are durable.
func createSegment(dir string, number int, id string) (*segment, error) {
	path := filepath.Join(dir, segmentName(number))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	s := &segment{file: file, number: number}
	text, err := json.Marshal(heading{id})
	if err == nil {
		err = s.append(sealed(text), true)
	}
	if err == nil {
		err = syncFolder(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal: %w", err), file.Close(), os.Remove(path))
	}
	return s, nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// append writes behind the last good line.
func (s *segment) append(text []byte, flush bool) error {
	_, err := s.file.WriteAt(text, s.size)
	if err == nil && flush {
		err = s.file.Sync()
	}
	if err != nil {
		s.broken = true
		return err
	}
	s.size += int64(len(text))
	return nil
}

func readIdentity(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	b, err := bufio.NewReader(io.LimitReader(file, 1024)).ReadBytes('\n')
	if err != nil {
		return "", err
	}
	var h heading
	text, ok := unsealed(b)
	if !ok {
		return "", errDamaged
	}
	err = json.Unmarshal(text, &h)
	return h.Journal, err
}
