// Package metrics is the engine's counters behind one small interface, and the default that keeps them in memory.
package metrics

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Counter only grows. It is safe for concurrent use.
type Counter interface{ Add(n int64) }

// Meter makes counters. The same name and labels give the same counter. labels alternate name and value.
type Meter interface {
	Counter(name string, labels ...string) Counter
}

// Memory is a Meter that keeps counters in memory. The zero value is ready.
type Memory struct {
	mu       sync.Mutex
	counters map[string]*counter
}

type counter struct {
	name   string
	labels []string
	n      atomic.Int64
}

func (c *counter) Add(n int64) { c.n.Add(n) }

func (m *Memory) Counter(name string, labels ...string) Counter {
	key := name + "\x00" + strings.Join(labels, "\x00")
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.counters[key]
	if c == nil {
		if m.counters == nil {
			m.counters = map[string]*counter{}
		}
		c = &counter{name: name, labels: slices.Clone(labels)}
		m.counters[key] = c
	}
	return c
}

// Sample is one counter's value.
type Sample struct {
	Name   string
	Labels []string
	Value  int64
}

// Samples lists the counters by name, then labels.
func (m *Memory) Samples() []Sample {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Sample
	for _, c := range m.counters {
		out = append(out, Sample{c.name, c.labels, c.n.Load()})
	}
	slices.SortFunc(out, func(a, b Sample) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return slices.Compare(a.Labels, b.Labels)
	})
	return out
}

// Total is the sum of a name's counters over all labels.
func (m *Memory) Total(name string) int64 {
	var n int64
	for _, s := range m.Samples() {
		if s.Name == name {
			n += s.Value
		}
	}
	return n
}

type both struct{ a, b Meter }

type bothCounter struct{ a, b Counter }

func (c bothCounter) Add(n int64) { c.a.Add(n); c.b.Add(n) }

func (m both) Counter(name string, labels ...string) Counter {
	return bothCounter{m.a.Counter(name, labels...), m.b.Counter(name, labels...)}
}

// Both counts with two meters.
func Both(a, b Meter) Meter { return both{a, b} }
