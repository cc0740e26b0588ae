package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
)

// importRows is how many rows the import of the benchmark has.
const importRows = 200_000

// importConfig has what every configuration needs, and the store.
const importConfig = `store: {url: "sqlite:%s"}
trunks:
  - name: carrier-a
    targets: [{address: "198.51.100.20:5060"}]
    caller_ids: ["+442079460123"]
    max_cps: 10
    max_channels: 200
`

// BenchmarkImport runs `outpace leads import` from a CSV file into SQLite, from the
// first byte to the closed store: parsing, numbers and their zones, every index, a
// campaign that dials the list. Rows have an id, a name, two numbers of three
// countries and grades.
func BenchmarkImport(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		file, cfg, store := filepath.Join(dir, "people.csv"), filepath.Join(dir, "outpace.yaml"), filepath.Join(dir, "outpace.db")
		writePeople(b, file, importRows)
		prepareStore(b, store)
		if err := os.WriteFile(cfg, fmt.Appendf(nil, importConfig, store), 0o600); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		began := time.Now()
		root := newRoot()
		root.SetArgs([]string{"leads", "import", file, "--config", cfg, "--list", "people", "--region", "PL"})
		root.SetOut(io.Discard)
		if err := root.ExecuteContext(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(importRows/time.Since(began).Seconds(), "rows/s")
		if info, err := os.Stat(store); err == nil {
			b.ReportMetric(float64(info.Size())/importRows, "bytes/lead")
		}
	}
}

// prepareStore makes a store with a campaign that dials the list people.
func prepareStore(b *testing.B, path string) {
	b.Helper()
	s, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.SaveList(b.Context(), campaigns.List{ID: "people"}); err != nil {
		b.Fatal(err)
	}
	c := campaigns.Campaign{ID: "camp", Lists: []campaigns.ListID{"people"}, Segments: []campaigns.Segment{{Name: "best", Filter: "cp >= 4"}, {Name: "rest"}}}
	if _, err := s.SaveCampaign(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func writePeople(b *testing.B, path string, rows int) {
	b.Helper()
	first := []string{"Anna", "Jan", "Katarzyna", "Piotr", "Małgorzata", "John", "Mary", "Elizabeth", "William", "Zofia"}
	last := []string{"Kowalska", "Nowak", "Wiśniewski", "Wójcik", "Smith", "Johnson", "Brown", "Taylor", "Lewandowska", "Jones"}
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	random := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintln(w, "id,name,mobile,home,stage,cp,pi,level,temperature")
	for i := range rows {
		n := random.IntN(10_000_000)
		mobile, home := fmt.Sprintf("60%07d", n), fmt.Sprintf("+48 22 %07d", 2_000_000+n/2)
		switch i % 3 {
		case 1:
			mobile, home = fmt.Sprintf("+1 212 %03d %04d", 200+n%700, n/1000), fmt.Sprintf("+1 (415) %03d-%04d", 200+n/7%700, n%10000)
		case 2:
			mobile, home = fmt.Sprintf("+44 7400 %06d", n%1_000_000), fmt.Sprintf("+44 20 7946 %04d", n%10_000)
		}
		fmt.Fprintf(w, "crm-%07d,%s %s,%s,%s,acquire,%d,%d,%d,warm\n", i, first[random.IntN(len(first))], last[random.IntN(len(last))], mobile, home, random.IntN(6), random.IntN(6), random.IntN(6))
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}
