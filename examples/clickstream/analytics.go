package main

import (
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/stream"
)

// Session is one visit of one user. Times are milliseconds since the Unix epoch.
type Session struct {
	UserID     string `json:"user_id"`
	Start      int64  `json:"session_start"` // of the first event
	End        int64  `json:"session_end"`   // of the last event
	DurationMs int64  `json:"duration_ms"`
	Events     int64  `json:"events"`
	AddToCarts int64  `json:"add_to_carts"`
	Checkouts  int64  `json:"checkouts"`
	Abandoned  int64  `json:"abandoned"` // 1 if a cart was filled and nothing checked out
	provenance
}

// sessionColumns is a session as a table's row.
var sessionColumns = table.Of(
	table.Key(table.Text("user_id", func(s Session) string { return s.UserID })),
	table.Key(table.Int("session_start", func(s Session) int64 { return s.Start })),
	table.Int("session_end", func(s Session) int64 { return s.End }),
	table.Int("duration_ms", func(s Session) int64 { return s.DurationMs }),
	table.Int("events", func(s Session) int64 { return s.Events }),
	table.Int("add_to_carts", func(s Session) int64 { return s.AddToCarts }),
	table.Int("checkouts", func(s Session) int64 { return s.Checkouts }),
	table.Int("abandoned", func(s Session) int64 { return s.Abandoned }),
)

// SessionAnalytics turns the clicks of a session into its row.
type SessionAnalytics struct{}

// Process implements stream.Function.
func (SessionAnalytics) Process(ctx *stream.Context, pane stream.Pane[string, *pb.ClickEvent], out *stream.Collector[Session]) error {
	first := pane.Elements[0].GetEventTimestamp()
	s := Session{UserID: pane.Key, Start: first, End: first, Events: int64(len(pane.Elements))}
	for _, e := range pane.Elements {
		s.Start = min(s.Start, e.GetEventTimestamp())
		s.End = max(s.End, e.GetEventTimestamp())
		switch e.GetEventType() {
		case "add_to_cart":
			s.AddToCarts++
		case "checkout":
			s.Checkouts++
		}
	}
	s.DurationMs = s.End - s.Start
	if s.AddToCarts > 0 && s.Checkouts == 0 {
		s.Abandoned = 1
	}
	s.provenance = provenanceOf(ctx, pane.From)
	out.Emit(s)
	return nil
}
