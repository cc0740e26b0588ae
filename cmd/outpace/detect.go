package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/wav"
)

func newDetectCommand() *cobra.Command {
	var manifest, out string
	cmd := &cobra.Command{
		Use: "detect --manifest FILE --out FILE", Short: "Run the answer detector over recorded calls", Args: cobra.NoArgs,
		Long: `Run the answer detector over recorded calls.

The manifest is CSV with the columns file (a WAV, relative to the manifest) and
answer_ms (audio before it is early media). One JSON object a line is written
for each clip; times are milliseconds on the clip's own time line, chances are what
spoke for each class when the verdict fell.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if manifest == "" || out == "" {
				return usageError{fmt.Errorf("detect needs --manifest and --out")}
			}
			return detectAll(manifest, out)
		},
	}
	cmd.Flags().StringVar(&manifest, "manifest", "", "CSV that lists the clips")
	cmd.Flags().StringVar(&out, "out", "", "file for the verdicts")
	cmd.AddCommand(newDetectReport())
	return cmd
}

// clipVerdict is one line of output.
type clipVerdict struct {
	File       string  `json:"file"`
	Label      string  `json:"label"`
	DecisionMS int64   `json:"decision_ms"`
	BeepMS     *int64  `json:"beep_ms"`
	SITCode    string  `json:"sit_code"`
	PHuman     float64 `json:"p_human"`
	// Chances are those of every class when the verdict fell, together 1; at the end of
	// the clip where none did.
	Chances map[string]float64 `json:"chances"`
}

func detectAll(manifest, out string) (err error) {
	rows, err := readManifest(manifest)
	if err != nil {
		return usageError{err}
	}
	file, err := os.Create(out)
	if err != nil {
		return usageError{err}
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	w := bufio.NewWriter(file)
	lines := json.NewEncoder(w)
	for _, row := range rows {
		v, err := detectClip(filepath.Join(filepath.Dir(manifest), row.file), row.answer)
		if err != nil {
			return fmt.Errorf("%s: %w", row.file, err)
		}
		v.File = row.file
		if err := lines.Encode(v); err != nil {
			return err
		}
	}
	return w.Flush()
}

type clip struct {
	file   string
	answer time.Duration
}

func readManifest(path string) ([]clip, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := csv.NewReader(file)
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	name, answer := -1, -1
	for i, column := range header {
		switch column {
		case "file":
			name = i
		case "answer_ms":
			answer = i
		}
	}
	if name < 0 {
		return nil, fmt.Errorf("%s: line 1: no column file", path)
	}
	var clips []clip
	for {
		row, err := r.Read()
		if err == io.EOF {
			return clips, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		c := clip{file: row[name]}
		if answer >= 0 && row[answer] != "" {
			ms, err := strconv.ParseFloat(row[answer], 64)
			if err != nil {
				line, _ := r.FieldPos(answer)
				return nil, fmt.Errorf("%s: line %d: answer_ms: %q is no number", path, line, row[answer])
			}
			c.answer = time.Duration(ms * float64(time.Millisecond))
		}
		clips = append(clips, c)
	}
}

// detectClip feeds a clip to the detector frame by frame, as a call would.
func detectClip(path string, answer time.Duration) (clipVerdict, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return clipVerdict{}, err
	}
	sound, err := wav.DecodePrompt(filepath.Base(path), b)
	if err != nil {
		return clipVerdict{}, err
	}
	d := detect.New(detect.Config{})
	var v clipVerdict
	bytes := sound.Bytes(media.ULaw)
	frame := make([]int16, media.SamplesPerFrame)
	answered := false
	for at := time.Duration(0); len(bytes) >= len(frame); at += media.FrameDuration {
		if !answered && at >= answer {
			d.Answered()
			answered = true
		}
		codec.DecodeULaw(frame, bytes[:len(frame)])
		bytes = bytes[len(frame):]
		f, ok := d.Hear(frame)
		if ok && f.Beep && v.BeepMS == nil {
			ms := f.At.Milliseconds()
			v.BeepMS = &ms
		}
		if ok && d.Final().At == f.At {
			v.Chances = named(d.Chances())
		}
	}
	if v.Chances == nil {
		v.Chances = named(d.Chances())
	}
	final := d.Final()
	v.Label, v.DecisionMS, v.SITCode = detect.Label(final), final.At.Milliseconds(), final.SIT
	switch final.Kind {
	case "": // the clip ends before anything is told
		v.PHuman = v.Chances[detect.ClassNames[detect.AtHome]] + v.Chances[detect.ClassNames[detect.Business]]
	case media.Person:
		v.PHuman = final.Probability
	default:
		v.PHuman = 1 - final.Probability
	}
	return v, nil
}

// named gives chances their names.
func named(p detect.Chances) map[string]float64 {
	all := map[string]float64{}
	for c, name := range detect.ClassNames {
		all[name] = p[c]
	}
	return all
}
