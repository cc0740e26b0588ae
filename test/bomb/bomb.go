// Package bomb makes input for tests that is far larger than what it is made of, as it is
// read, and looks at how much memory its reader takes.
package bomb

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"testing"
)

// Full says whether the tests are to run in their full size, which takes minutes.
func Full() bool { return os.Getenv("OUTPACE_SECURITY") != "" }

// Repeat reads a piece over and over, size bytes in all.
func Repeat(piece string, size int64) io.Reader {
	whole := bytes.Repeat([]byte(piece), 1+64<<10/len(piece)) // so that a read copies more than a few bytes
	return io.LimitReader(&repeat{whole: whole}, size)
}

type repeat struct {
	whole []byte
	at    int
}

func (r *repeat) Read(b []byte) (int, error) {
	n := copy(b, r.whole[r.at:])
	r.at = (r.at + n) % len(r.whole)
	return n, nil
}

// Counted counts what is read of In.
type Counted struct {
	In io.Reader
	n  atomic.Int64
}

func (c *Counted) Read(b []byte) (int, error) {
	n, err := c.In.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// Bytes is how many were read.
func (c *Counted) Bytes() int64 { return c.n.Load() }

// Part is a file of a ZIP archive: Head, then Fill over and over, Size bytes long, then Tail.
type Part struct {
	Name, Head, Fill, Tail string
	Size                   int64
}

// Zip packs parts. A MiB is packed once however often it comes, so that the archive, some
// thousandth of its content, is made at once.
func Zip(t testing.TB, parts ...Part) []byte {
	t.Helper()
	var archive bytes.Buffer
	out := zip.NewWriter(&archive)
	for _, p := range parts {
		packed, header := p.pack(t)
		w, err := out.CreateRaw(header)
		if err == nil {
			_, err = w.Write(packed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// Workbook packs an XLSX file: parts, and of what it needs besides what they are not. Its
// sheet has no rows, and one text to share.
func Workbook(t testing.TB, parts ...Part) []byte {
	t.Helper()
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	for _, p := range []Part{
		{Name: "[Content_Types].xml", Head: `<Types/>`},
		{Name: "_rels/.rels", Head: `<Relationships><Relationship Id="r1" Type="` + office + `officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{Name: "xl/workbook.xml", Head: `<workbook xmlns:r="` + office + `"><sheets><sheet name="a" r:id="r1"/></sheets></workbook>`},
		{Name: "xl/_rels/workbook.xml.rels", Head: `<Relationships><Relationship Id="r1" Type="` + office + `worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="r2" Type="` + office + `sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>`},
		{Name: "xl/worksheets/sheet1.xml", Head: "<worksheet><sheetData/></worksheet>"},
		{Name: "xl/sharedStrings.xml", Head: "<sst><si><t>first</t></si></sst>"},
	} {
		if !slices.ContainsFunc(parts, func(own Part) bool { return own.Name == p.Name }) {
			parts = append(parts, p)
		}
	}
	return Zip(t, parts...)
}

func (p Part) pack(t testing.TB) ([]byte, *zip.FileHeader) {
	t.Helper()
	var packed bytes.Buffer
	sum := crc32.NewIEEE()
	header := &zip.FileHeader{Name: p.Name, Method: zip.Deflate}
	if p.Size == 0 { // to pack it would take longer than all else
		content := []byte(p.Head + p.Tail)
		header.Method, header.CRC32 = zip.Store, crc32.ChecksumIEEE(content)
		header.UncompressedSize64, header.CompressedSize64 = uint64(len(content)), uint64(len(content))
		return content, header
	}
	add := func(text []byte, times int64) {
		var block bytes.Buffer
		w, err := flate.NewWriter(&block, flate.BestCompression)
		if err == nil {
			_, err = w.Write(text)
		}
		if err == nil {
			err = w.Flush() // it ends at a byte, and knows of nothing before
		}
		if err != nil {
			t.Fatal(err)
		}
		for range times {
			packed.Write(block.Bytes())
			sum.Write(text)
			header.UncompressedSize64 += uint64(len(text))
		}
	}
	piece := bytes.Repeat([]byte(p.Fill), max(1, 1<<20/len(p.Fill)))
	add([]byte(p.Head), 1)
	add(piece, p.Size/int64(len(piece)))
	add([]byte(p.Tail), 1)
	packed.Write([]byte{3, 0}) // an empty last block
	header.CRC32, header.CompressedSize64 = sum.Sum32(), uint64(packed.Len())
	return packed.Bytes(), header
}

// Memory looks at the heap: whenever Look is called, and after each garbage collection.
type Memory struct {
	before uint64
	most   atomic.Uint64
	over   atomic.Bool
}

// Watch begins to look.
func Watch() *Memory {
	runtime.GC()
	runtime.GC() // what the first one found no longer used is gone
	m := &Memory{before: heap()}
	m.again()
	return m
}

// again looks at the heap after the next collection, and each one behind it.
func (m *Memory) again() {
	canary := new([16]byte)
	runtime.AddCleanup(canary, func(m *Memory) {
		if m.Look(); !m.over.Load() {
			m.again()
		}
	}, m)
}

// Look takes down how large the heap is now.
func (m *Memory) Look() {
	for now := heap(); ; {
		most := m.most.Load()
		if now <= most || m.most.CompareAndSwap(most, now) {
			return
		}
	}
}

// Grew is by how many bytes the heap was larger than when the watch began, at most. What is
// no longer used and not collected yet counts.
func (m *Memory) Grew() int64 {
	m.Look()
	m.over.Store(true)
	return int64(m.most.Load()) - int64(m.before)
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Looking reads In, and looks at the heap before each read.
type Looking struct {
	In     io.Reader
	Memory *Memory
}

func (l Looking) Read(b []byte) (int, error) {
	l.Memory.Look()
	return l.In.Read(b)
}
