package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A Sample is one run of one variant.
type Sample struct {
	Variant string  `json:"variant"`
	Events  int64   `json:"events,omitempty"`
	Phase   float64 `json:"phase,omitempty"`  // seconds from the first record to the last result, as the program tells it
	Wall    float64 `json:"wall,omitempty"`   // seconds of the process
	CPU     float64 `json:"cpu,omitempty"`    // seconds of processor time of the process
	Broker  float64 `json:"broker,omitempty"` // seconds of processor time that the broker took beside it
	Peak    int64   `json:"peak,omitempty"`   // bytes of memory at most, resident
	Scale   float64 `json:"scale,omitempty"`  // of the log's length; 0 for 1
	// Values are further measurements by name, such as "p99 ms".
	Values map[string]float64 `json:"values,omitempty"`
}

// value is what a column of the tables shows of a run.
func (s Sample) value(column string) (float64, bool) {
	switch column {
	case colRate:
		return ratio(float64(s.Events), s.Phase)
	case colWhole:
		return ratio(float64(s.Events), s.Wall)
	case colCPU:
		return ratio(s.CPU*1e6, float64(s.Events))
	case colBroker:
		return ratio(s.Broker*1e6, float64(s.Events))
	case colPeak:
		return float64(s.Peak) / 1e6, s.Peak > 0
	}
	v, ok := s.Values[column]
	return v, ok
}

func ratio(a, b float64) (float64, bool) {
	if a <= 0 || b <= 0 {
		return 0, false
	}
	return a / b, true
}

// The columns that most tables have.
const (
	colRate   = "events/s"
	colWhole  = "events/s of the whole run"
	colCPU    = "CPU µs/event"
	colBroker = "broker's CPU µs/event"
	colPeak   = "peak MB"
)

// results is where samples are kept: a file for each part, a line for each run.
type results struct{ dir string }

func (r results) path(part string) string { return filepath.Join(r.dir, part+".jsonl") }

func (r results) read(part string) ([]Sample, error) {
	f, err := os.Open(r.path(part))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []Sample
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var s Sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", r.path(part), n, err)
		}
		all = append(all, s)
	}
	return all, lines.Err()
}

func (r results) add(part string, s Sample) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(r.path(part), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

func (r results) remove(part string) error {
	err := os.Remove(r.path(part))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
