package leadfile

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// part is a part of a workbook that is read tag by tag. Between two refills it gives
// maxTagged bytes at most, so that no tag, text or row takes more memory.
type part struct {
	in   io.ReadCloser
	left int
	xml  *xml.Decoder
}

// openPart opens a part that unpacks to most bytes at most. The archive's own word on that
// is held: a part that is longer is an error when it is read.
func openPart(file *zip.File, most uint64) (*part, error) {
	if file.UncompressedSize64 > most {
		return nil, fmt.Errorf("larger than %d KiB unpacked", most>>10)
	}
	in, err := file.Open()
	if err != nil {
		return nil, err
	}
	p := &part{in: in, left: maxTagged}
	p.xml = xml.NewDecoder(p)
	return p, nil
}

// readPart reads a short part, which must be there.
func readPart(parts map[string]*zip.File, name string, into any) error {
	file := parts[partName(name)]
	if file == nil {
		return fmt.Errorf("there is no %s", name)
	}
	p, err := openPart(file, maxTagged)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer p.in.Close()
	if err := p.xml.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (p *part) refill() { p.left = maxTagged }

func (p *part) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, fmt.Errorf("longer than %d bytes", maxTagged)
	}
	n, err := p.in.Read(b[:min(len(b), p.left)])
	p.left -= n
	return n, err
}

// tag is the next tag, xml.StartElement or xml.EndElement. It is taken as it comes: what is
// opened and never closed is not kept.
func (p *part) tag() (xml.Token, error) {
	for {
		token, err := p.xml.RawToken()
		if err != nil {
			return nil, err
		}
		switch token.(type) {
		case xml.StartElement, xml.EndElement:
			return token, nil
		}
	}
}

// text is all that stands in elements of a name up to the end of the one around, without
// hints on how it is spoken (rPh).
func (p *part) text(around, element string) ([]byte, error) {
	var text []byte
	inside, spoken := false, false
	for {
		token, err := p.xml.RawToken()
		if err != nil {
			return nil, unexpected(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inside = inside || token.Name.Local == element
			spoken = spoken || token.Name.Local == "rPh"
		case xml.EndElement:
			switch token.Name.Local {
			case around:
				return text, nil
			case element:
				inside = false
			case "rPh":
				spoken = false
			}
		case xml.CharData:
			if inside && !spoken {
				text = append(text, token...)
			}
		}
	}
}

// rest reads to the end, where the archive's checksum is looked at.
func (p *part) rest() error {
	_, err := io.Copy(io.Discard, p.in)
	return err
}

// unexpected is the error of an end in the middle.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func attribute(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// Limits on the texts that cells share.
const (
	maxTextCount = 4 << 20
	textsHeld    = 4 << 20  // bytes of them in memory
	endsAtOnce   = 64 << 10 // so that room for ends grows without copies
)

// texts are the texts that cells share: the first of them in memory, all others in a
// temporary file.
type texts struct {
	count int
	ends  [][]uint32 // where the texts end, endsAtOnce in each piece
	held  []byte
	file  *os.File // nil: held has all
}

// read reads the part of the texts (ECMA-376, part 1, 18.4).
func (t *texts) read(file *zip.File) error {
	p, err := openPart(file, maxTexts)
	if err != nil {
		return err
	}
	defer p.in.Close()
	out := bufio.NewWriter(nil)
	for {
		p.refill()
		tag, err := p.tag()
		if err != nil {
			return fmt.Errorf("text %d: %w", t.count, unexpected(err))
		}
		switch tag := tag.(type) {
		case xml.EndElement:
			if tag.Name.Local == "sst" {
				return errors.Join(out.Flush(), p.rest())
			}
		case xml.StartElement:
			if tag.Name.Local != "si" {
				continue
			}
			text, err := p.text("si", "t")
			if err == nil {
				err = t.add(unescape(string(text)), out)
			}
			if err != nil {
				return fmt.Errorf("text %d: %w", t.count, err)
			}
		}
	}
}

func (t *texts) add(text string, out *bufio.Writer) error {
	if t.count == maxTextCount {
		return fmt.Errorf("more than %d texts: save it as CSV", maxTextCount)
	}
	begin := t.end(t.count - 1)
	if t.count%endsAtOnce == 0 {
		t.ends = append(t.ends, make([]uint32, 0, endsAtOnce))
	}
	last := &t.ends[len(t.ends)-1]
	*last = append(*last, begin+uint32(len(text))) // all of them are shorter than maxTexts
	t.count++
	if t.file == nil && len(t.held)+len(text) <= textsHeld {
		t.held = append(t.held, text...)
		return nil
	}
	if t.file == nil {
		file, err := os.CreateTemp("", "outpace-texts-")
		if err != nil {
			return err
		}
		t.file = file
		out.Reset(file)
	}
	_, err := out.WriteString(text)
	return err
}

// end is where a text ends; 0 of the one before the first.
func (t *texts) end(i int) uint32 {
	if i < 0 {
		return 0
	}
	return t.ends[i/endsAtOnce][i%endsAtOnce]
}

// at is the text of a number below count.
func (t *texts) at(i int) (string, error) {
	from, to := int(t.end(i-1)), int(t.end(i))
	if to <= len(t.held) {
		return string(t.held[from:to]), nil
	}
	text := make([]byte, to-from)
	_, err := t.file.ReadAt(text, int64(from-len(t.held)))
	return string(text), err
}

// unescape takes back _x000D_ and its like, as workbooks have letters that XML does not.
func unescape(text string) string {
	const length = len("_x000D_")
	var out strings.Builder
	for {
		at := strings.Index(text, "_x")
		if at < 0 {
			break
		}
		out.WriteString(text[:at])
		text = text[at:]
		if len(text) >= length && text[length-1] == '_' {
			if code, err := strconv.ParseUint(text[2:length-1], 16, 16); err == nil {
				out.WriteRune(rune(code))
				text = text[length:]
				continue
			}
		}
		out.WriteString(text[:2])
		text = text[2:]
	}
	return out.String() + text
}
