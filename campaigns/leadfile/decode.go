package leadfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// sample is how much of a file its encoding and delimiter are told from, bytes.
const sample = 256 << 10

// encodings by name. UTF-8 needs no decoder.
var encodings = map[string]encoding.Encoding{
	"utf-8":        nil,
	"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"windows-1250": charmap.Windows1250,
	"gb18030":      simplifiedchinese.GB18030,
}

var bomUTF8 = []byte("\xef\xbb\xbf")

// open makes the source of a file.
func open(r io.Reader, name string, o Options) (source, Report, error) {
	buffered := bufio.NewReaderSize(r, sample)
	head, err := buffered.Peek(sample)
	if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, Report{}, fmt.Errorf("leadfile: %w", err)
	}
	if strings.HasSuffix(strings.ToLower(name), ".xlsx") || bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return openWorkbook(buffered, o)
	}
	enc := strings.ToLower(o.Encoding)
	if enc == "" {
		enc = detectEncoding(head)
	}
	decoder, ok := encodings[enc]
	if !ok {
		return nil, Report{}, fmt.Errorf("leadfile: encoding %q: known are utf-8, utf-16le, utf-16be, windows-1250, gb18030", enc)
	}
	if bytes.HasPrefix(head, bomUTF8) {
		buffered.Discard(len(bomUTF8))
		head = head[len(bomUTF8):]
	}
	text := io.Reader(buffered)
	if decoder != nil {
		text = decoder.NewDecoder().Reader(buffered)
		head, _ = decoder.NewDecoder().Bytes(head)
	}
	if bytes.IndexByte(head, '\r') >= 0 && bytes.IndexByte(head, '\n') < 0 {
		text, head = carriageReturns{text}, bytes.ReplaceAll(head, []byte("\r"), []byte("\n"))
	}
	delimiter := o.Delimiter
	if delimiter == 0 {
		delimiter = o.detectDelimiter(head)
	}
	report := Report{Encoding: enc, Delimiter: string(delimiter)}
	src, err := openCSV(text, delimiter, bytes.HasPrefix(head, []byte("sep=")))
	return src, report, err
}

// carriageReturns reads text whose lines end as on old Macs.
type carriageReturns struct{ in io.Reader }

func (c carriageReturns) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	for i, letter := range b[:n] {
		if letter == '\r' {
			b[i] = '\n'
		}
	}
	return n, err
}

// detectEncoding tells the encoding of a file from its beginning. A byte order
// mark decides; then NULs at even or odd places; then valid UTF-8. Between the
// last two, Chinese letters come in pairs of high bytes, Polish and Czech ones
// alone among ASCII.
func detectEncoding(head []byte) string {
	switch {
	case bytes.HasPrefix(head, bomUTF8):
		return "utf-8"
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return "utf-16le"
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "utf-16be"
	}
	var nul [2]int
	for i, b := range head {
		if b == 0 {
			nul[i%2]++
		}
	}
	switch pairs := len(head) / 2; {
	case pairs > 0 && nul[1]*10 > pairs*4 && nul[0] == 0:
		return "utf-16le"
	case pairs > 0 && nul[0]*10 > pairs*4 && nul[1] == 0:
		return "utf-16be"
	}
	whole := head
	for range utf8.UTFMax - 1 { // the sample may end inside a letter
		if utf8.Valid(whole) || len(head) < sample {
			break
		}
		whole = whole[:len(whole)-1]
	}
	if utf8.Valid(whole) {
		return "utf-8"
	}
	if looksChinese(head) {
		return "gb18030"
	}
	return "windows-1250"
}

// looksChinese counts runs of high bytes: in GB18030 text nearly all are of
// even length.
func looksChinese(head []byte) bool {
	even, odd, run := 0, 0, 0
	for _, b := range head {
		if b >= 0x80 {
			run++
			continue
		}
		if run%2 == 1 {
			odd++
		} else if run > 0 {
			even++
		}
		run = 0
	}
	return even > 2*odd
}

// delimiters are those that are looked for; the first of equals is taken.
var delimiters = []rune{',', ';', '\t', '|'}

// detectDelimiter takes the delimiter that makes the most columns of a header with a column
// of numbers; where none does, the one that splits the first lines most often into the same
// number of cells. "sep=;" in the first line decides.
func (o Options) detectDelimiter(head []byte) rune {
	if rest, ok := bytes.CutPrefix(head, []byte("sep=")); ok && len(rest) > 0 && slices.Contains(delimiters, rune(rest[0])) {
		return rune(rest[0])
	}
	head = head[:min(len(head), 64<<10)] // the top of most files; each cell takes a reader of CSV 40 bytes
	best, bestScore, named := ',', 0, false
	for _, d := range delimiters {
		width, isHeader := o.headerWidth(head, d)
		score := width
		if !isHeader && !named {
			score = evenness(head, d)
		}
		if isHeader && !named || isHeader == named && score > bestScore {
			best, bestScore, named = d, score, isHeader
		}
	}
	return best
}

// sampleRows reads rows that may end in the middle.
func sampleRows(head []byte, delimiter rune) *csv.Reader {
	in := csv.NewReader(bytes.NewReader(head))
	in.Comma, in.FieldsPerRecord, in.LazyQuotes = delimiter, -1, true
	return in
}

// headerWidth is how many columns the header has with a delimiter; false: there is none
// with a column of numbers.
func (o Options) headerWidth(head []byte, delimiter rune) (int, bool) {
	_, cells, named, err := o.top(&csvSample{in: sampleRows(head, delimiter)})
	return len(cells), named && err == nil
}

// csvSample gives the rows of the beginning of a file.
type csvSample struct {
	in   *csv.Reader
	line int
}

func (s *csvSample) next() (int, []string, error) {
	cells, err := s.in.Read()
	s.line++
	return s.line, cells, err
}

// evenness is how many cells there are in those of the first lines that have as many cells
// as the first.
func evenness(head []byte, delimiter rune) int {
	in := sampleRows(head, delimiter)
	in.ReuseRecord = true
	width, score := 0, 0
	for range 10 {
		row, err := in.Read()
		if err != nil {
			break
		}
		if width == 0 {
			width = len(row)
		}
		if len(row) == width && width > 1 {
			score += width
		}
	}
	return score
}
