// Package nightly is what the long tests share: whether this is the short run of every change or the long one of every night, and the figures they leave.
//
// A test does the same in both, only more of it:
//
//	for range nightly.Pick(20, 200) { … }
//	nightly.Record(t, nightly.Figures{Part: "kill -9", Cycles: n, Events: events})
//
// The nightly run sets both variables, gathers the figures of all test processes from the file, and makes docs/reliability.md of them.
package nightly

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

const (
	// Variable says in the environment that this is the long run, by any value but the empty one.
	Variable = "MILLRACE_NIGHTLY"
	// FiguresVariable names the file that Record appends to; without it Record does nothing.
	FiguresVariable = "MILLRACE_FIGURES"
)

// On reports whether this is the long run.
func On() bool { return os.Getenv(Variable) != "" }

// Pick returns how much a test does: short for every change, long for every night.
func Pick(short, long int) int {
	if On() {
		return long
	}
	return short
}

// Figures are what one test did. All are counts; what a test has none of stays zero. Losses and Duplicates are what it found wrong, and a test that finds any fails.
type Figures struct {
	// Part is the row of the table, such as "kill -9, Kafka sink, exactly once"; figures of one part are added up.
	Part string `json:"part"`
	// Seeds are the random cases, each of which can be repeated alone.
	Seeds int64 `json:"seeds,omitempty"`
	// CrashPoints are the places at which a process or a disk was stopped in a simulation.
	CrashPoints int64 `json:"crash_points,omitempty"`
	// Cycles are the ends and restarts of real processes.
	Cycles int64 `json:"cycles,omitempty"`
	// Events are the records of the logs that were processed and checked.
	Events int64 `json:"events,omitempty"`
	// Faults counts injected faults by kind, such as "connection cut" or "sync failed".
	Faults map[string]int64 `json:"faults,omitempty"`
	// Losses are results or records that were missing, Duplicates those that were there twice.
	Losses     int64 `json:"losses"`
	Duplicates int64 `json:"duplicates"`
}

// Record appends the figures of a test to the file named by FiguresVariable; several processes may do so at once.
func Record(t testing.TB, f Figures) {
	t.Helper()
	path := os.Getenv(FiguresVariable)
	if path == "" {
		return
	}
	if err := Append(path, f); err != nil {
		t.Fatalf("nightly: figures of %q: %v", f.Part, err)
	}
}

// Append appends figures to a file, which is made if missing; several processes may do so at once.
func Append(path string, f Figures) error {
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Clean(path), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n')) // one write, so that lines of several processes do not mix
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// Read returns the figures in a file, those of one part added up, in the order in which the parts first appear.
func Read(path string) ([]Figures, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	var all []Figures
	at := map[string]int{}
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		var f Figures
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return nil, fmt.Errorf("nightly: %s, line %d: %w", path, n, err)
		}
		i, known := at[f.Part]
		if !known {
			i = len(all)
			at[f.Part] = i
			all = append(all, Figures{Part: f.Part})
		}
		all[i].add(f)
	}
	return all, lines.Err()
}

func (f *Figures) add(o Figures) {
	f.Seeds += o.Seeds
	f.CrashPoints += o.CrashPoints
	f.Cycles += o.Cycles
	f.Events += o.Events
	f.Losses += o.Losses
	f.Duplicates += o.Duplicates
	for kind, n := range o.Faults {
		if f.Faults == nil {
			f.Faults = map[string]int64{}
		}
		f.Faults[kind] += n
	}
}
