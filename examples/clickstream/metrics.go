package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

// HourMetrics is what the sessions that ended in one hour come to. A session ends when its gap has passed without a click.
type HourMetrics struct {
	WindowStart     int64   `json:"window_start"` // milliseconds since the Unix epoch
	Sessions        int64   `json:"sessions"`
	WithCart        int64   `json:"with_cart"`
	Abandoned       int64   `json:"abandoned"`
	AbandonmentRate float64 `json:"abandonment_rate"` // abandoned / with_cart; 0 without carts
	MeanDurationMs  float64 `json:"mean_duration_ms"`
	provenance
}

// metricsColumns is an hour as a table's row.
var metricsColumns = table.Of(
	table.Key(table.Int("window_start", func(m HourMetrics) int64 { return m.WindowStart })),
	table.Int("sessions", func(m HourMetrics) int64 { return m.Sessions }),
	table.Int("with_cart", func(m HourMetrics) int64 { return m.WithCart }),
	table.Int("abandoned", func(m HourMetrics) int64 { return m.Abandoned }),
	table.Float("abandonment_rate", func(m HourMetrics) float64 { return m.AbandonmentRate }),
	table.Float("mean_duration_ms", func(m HourMetrics) float64 { return m.MeanDurationMs }),
)

// totals is what an hour's window holds. Sums of integers are exact in any order and can be taken back.
type totals struct {
	sessions, withCart, abandoned, durationMs int64
	// from is where the clicks of the sessions stand, with provenance. It never shrinks: a session that is taken back is a part of the one that supersedes it.
	from stream.Ranges
}

// HourlyMetrics adds sessions up. Late clicks may change a session that was added already: it is then taken back, and added as it is now.
type HourlyMetrics struct {
	Provenance bool // say where each hour comes from
}

// New implements stream.Aggregator.
func (HourlyMetrics) New() totals { return totals{} }

// Add implements stream.Aggregator.
func (HourlyMetrics) Add(t totals, s Session) totals { return t.plus(totalsOf(s), 1) }

// Retract takes a session back that a newer result supersedes.
func (HourlyMetrics) Retract(t totals, s Session) totals { return t.plus(totalsOf(s), -1) }

// Merge implements stream.Aggregator.
func (HourlyMetrics) Merge(a, b totals) totals { return a.plus(b, 1) }

// Result implements stream.Aggregator.
func (HourlyMetrics) Result(_ struct{}, w window.TimeWindow, t totals) HourMetrics {
	m := HourMetrics{WindowStart: w.Start, Sessions: t.sessions, WithCart: t.withCart, Abandoned: t.abandoned}
	if t.withCart > 0 {
		m.AbandonmentRate = float64(t.abandoned) / float64(t.withCart)
	}
	if t.sessions > 0 {
		m.MeanDurationMs = float64(t.durationMs) / float64(t.sessions)
	}
	return m
}

// ResultOf is Result with where it comes from.
func (h HourlyMetrics) ResultOf(ctx *stream.Context, a stream.Aggregated[struct{}, totals]) HourMetrics {
	m := h.Result(a.Key, a.Window, a.Value)
	if h.Provenance {
		m.provenance = provenanceOf(ctx, a.Value.from)
	}
	return m
}

// Codec says how the totals of open hours are kept in the state.
func (h HourlyMetrics) Codec() state.Codec[totals] {
	if h.Provenance {
		return codec.Func("clickstream-hour-totals/v1+ranges", appendTotalsFrom, decodeTotalsFrom)
	}
	return codec.Func("clickstream-hour-totals/v1", appendTotals, decodeTotals)
}

func totalsOf(s Session) totals {
	t := totals{sessions: 1, abandoned: s.Abandoned, durationMs: s.DurationMs, from: s.from}
	if s.AddToCarts > 0 {
		t.withCart = 1
	}
	return t
}

func (t totals) plus(o totals, sign int64) totals {
	return totals{t.sessions + sign*o.sessions, t.withCart + sign*o.withCart, t.abandoned + sign*o.abandoned, t.durationMs + sign*o.durationMs, t.from.Cover(o.from)}
}

func appendTotals(dst []byte, t totals) ([]byte, error) {
	for _, n := range []int64{t.sessions, t.withCart, t.abandoned, t.durationMs} {
		dst = binary.AppendVarint(dst, n)
	}
	return dst, nil
}

func decodeTotals(src []byte) (totals, error) {
	t, rest, err := readTotals(src)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("an hour's totals are followed by %d bytes: %w", len(rest), codec.ErrMalformed)
	}
	return t, err
}

func readTotals(src []byte) (t totals, rest []byte, err error) {
	for _, n := range []*int64{&t.sessions, &t.withCart, &t.abandoned, &t.durationMs} {
		v, size := binary.Varint(src)
		if size <= 0 {
			return totals{}, nil, fmt.Errorf("an hour's totals are cut short: %w", codec.ErrMalformed)
		}
		*n, src = v, src[size:]
	}
	return t, src, nil
}

// appendTotalsFrom writes the totals and behind them, as JSON, where they come from.
func appendTotalsFrom(dst []byte, t totals) ([]byte, error) {
	from, err := json.Marshal(t.from)
	if err != nil {
		return dst, err
	}
	if dst, err = appendTotals(dst, t); err != nil {
		return dst, err
	}
	return append(dst, from...), nil
}

func decodeTotalsFrom(src []byte) (totals, error) {
	t, rest, err := readTotals(src)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(rest, &t.from); err != nil {
		return totals{}, fmt.Errorf("where an hour's totals come from: %w: %w", codec.ErrMalformed, err)
	}
	return t, nil
}
