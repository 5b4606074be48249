package main

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/millrace/millrace/examples/clickstream/internal/target"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/stream"
)

// provenance is where a row comes from; empty without --provenance.
type provenance struct {
	Version  string `json:"version,omitempty"`   // of the result
	LogFrom  string `json:"log_from,omitempty"`  // TOPIC/PARTITION:FIRST-LAST, the offsets of its first and last click
	ResultID string `json:"result_id,omitempty"` // the same for the same session of the same gap, or the same hour, in every run and version

	from stream.Ranges // what LogFrom says
}

// provenanceColumns differ between versions whose sessions are the same.
var provenanceColumns = []string{"version", "log_from", "result_id"}

func provenanceOf(ctx *stream.Context, from stream.Ranges) provenance {
	if from == nil {
		return provenance{}
	}
	return provenance{Version: ctx.Version(), LogFrom: from.String(), ResultID: ctx.ResultID(), from: slices.Clone(from)}
}

// provenanceFlag adds --provenance.
func (d *Definition) provenanceFlag(f *pflag.FlagSet) {
	f.BoolVar(&d.Provenance, "provenance", false, "add to each row the columns version, log_from (TOPIC/PARTITION:FIRST-LAST offset) and result_id; a table that is there must have them")
}

// windowOptions are those of the sessions.
func (d Definition) windowOptions() []stream.WindowOption {
	options := []stream.WindowOption{stream.AllowedLateness(d.Lateness)}
	if d.Provenance {
		options = append(options, stream.Provenance())
	}
	return options
}

// sessionRows are the sessions' rows with the columns that the definition gives them.
func (d Definition) sessionRows() target.Rows[Session] {
	return withProvenance(d, sessionRows, func(s Session) provenance { return s.provenance })
}

// metricsRows are the hours'.
func (d Definition) metricsRows() target.Rows[HourMetrics] {
	return withProvenance(d, metricsRows, func(m HourMetrics) provenance { return m.provenance })
}

func withProvenance[T any](d Definition, rows target.Rows[T], of func(T) provenance) target.Rows[T] {
	if !d.Provenance {
		return rows
	}
	rows.Columns = table.Of(slices.Concat(rows.Columns.All(), []table.Column[T]{
		table.Text(provenanceColumns[0], func(row T) string { return of(row).Version }),
		table.Text(provenanceColumns[1], func(row T) string { return of(row).LogFrom }),
		table.Text(provenanceColumns[2], func(row T) string { return of(row).ResultID }),
	})...)
	return rows
}
