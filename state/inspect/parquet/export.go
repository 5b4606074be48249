package parquet

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/parquet"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/state/inspect"
)

// row is one state of a key, one window or one timer.
type row struct {
	entry  *inspect.Entry
	cell   string
	codec  string
	window *windowRow
	timer  *int64
	kind   string
	value  json.RawMessage
}

type windowRow struct {
	Start    int64           `json:"start"`
	End      int64           `json:"end"`
	Records  int64           `json:"records"`
	Fired    bool            `json:"fired"`
	Contents json.RawMessage `json:"contents"`
}

// latest is the last millisecond of the year 9999, earliest the first of the year 0.
var (
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC).UnixMilli()
	earliest = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

func unfit(ms int64) bool { return ms < earliest || ms > latest }

var columns = table.Of(
	table.Text("operator", func(r row) string { return r.entry.Operator }),
	table.Text("key", func(r row) string { return r.entry.Key }),
	table.Int("shard", func(r row) int64 { return int64(r.entry.Shard) }),
	table.Nullable(table.Int("split", func(r row) int64 { return int64(*r.entry.Split) }), func(r row) bool { return r.entry.Split == nil }),
	table.Text("cell", func(r row) string { return r.cell }),
	table.Text("codec", func(r row) string { return r.codec }),
	table.Nullable(table.Time("window_start", func(r row) time.Time { return time.UnixMilli(r.window.Start) }), func(r row) bool { return r.window == nil || unfit(r.window.Start) }),
	table.Nullable(table.Time("window_end", func(r row) time.Time { return time.UnixMilli(r.window.End) }), func(r row) bool { return r.window == nil || unfit(r.window.End) }),
	table.Nullable(table.Int("records", func(r row) int64 { return r.window.Records }), func(r row) bool { return r.window == nil }),
	table.Nullable(table.Bool("fired", func(r row) bool { return r.window.Fired }), func(r row) bool { return r.window == nil }),
	table.Nullable(table.Time("timer", func(r row) time.Time { return time.UnixMilli(*r.timer) }), func(r row) bool { return r.timer == nil || unfit(*r.timer) }),
	table.Nullable(table.Text("timer_kind", func(r row) string { return r.kind }), func(r row) bool { return r.timer == nil }),
	table.Nullable(table.Text("value", func(r row) string { return string(r.value) }), func(r row) bool { return r.timer != nil }),
)

// batch is how many rows are written at a time.
const batch = 1000

// Write writes the state of the operators, in that order, and returns how many keys and rows there are. It holds a row group in memory, about 32 MiB.
func Write(w io.Writer, s *inspect.State, uids ...string) (keys, rows int64, err error) {
	e := exporter{w: w, encoder: parquet.Format(columns).Encoder()}
	for _, uid := range uids {
		n, err := e.operator(s, uid)
		if err != nil {
			return keys, e.rows, err
		}
		keys += n
	}
	if err := e.flush(); err != nil {
		return keys, e.rows, err
	}
	end, err := e.encoder.Finish(nil)
	if err == nil {
		_, err = w.Write(end)
	}
	return keys, e.rows, err
}

type exporter struct {
	w       io.Writer
	encoder format.Encoder[row]
	waiting []sink.Row[row]
	rows    int64
	out     []byte
}

func (e *exporter) operator(s *inspect.State, uid string) (keys int64, err error) {
	cells, err := s.Cells(uid)
	if err != nil {
		return 0, err
	}
	codecs := map[string]string{}
	for _, c := range cells {
		codecs[c.Name] = c.Codec
	}
	for entry, err := range s.Entries(uid) {
		if err != nil {
			return keys, err
		}
		keys++
		for _, cell := range slices.Sorted(maps.Keys(entry.State)) {
			if err := e.cell(&entry, cell, codecs[cell]); err != nil {
				return keys, fmt.Errorf("operator %q: key %q: %s: %w", uid, entry.Key, cell, err)
			}
		}
	}
	return keys, nil
}

func (e *exporter) cell(entry *inspect.Entry, cell, codec string) error {
	r := row{entry: entry, cell: cell, codec: codec, value: entry.State[cell]}
	switch {
	case strings.HasPrefix(codec, "windows/1<"):
		var windows []windowRow
		if err := json.Unmarshal(r.value, &windows); err != nil {
			return err
		}
		for i := range windows {
			r.window, r.value = &windows[i], windows[i].Contents
			if err := e.add(r); err != nil {
				return err
			}
		}
		return nil
	case codec == "timers/1":
		var timers struct{ Event, Processing []int64 }
		if err := json.Unmarshal(r.value, &timers); err != nil {
			return err
		}
		if err := e.timers(r, "event", timers.Event); err != nil {
			return err
		}
		return e.timers(r, "processing", timers.Processing)
	}
	return e.add(r)
}

func (e *exporter) timers(r row, kind string, list []int64) error {
	for i := range list {
		r.timer, r.kind = &list[i], kind
		if err := e.add(r); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) add(r row) error {
	e.waiting = append(e.waiting, sink.Row[row]{Value: r})
	e.rows++
	if len(e.waiting) < batch {
		return nil
	}
	return e.flush()
}

func (e *exporter) flush() (err error) {
	if e.out, err = e.encoder.Append(e.out[:0], e.waiting); err != nil {
		return err
	}
	clear(e.waiting)
	e.waiting = e.waiting[:0]
	_, err = e.w.Write(e.out)
	return err
}
