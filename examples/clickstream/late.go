package main

import (
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/stream"
)

// LateClick is a click that came too late for any session, and where it stands in the log.
type LateClick struct {
	UserID    string `json:"user_id"`
	Timestamp int64  `json:"event_timestamp"`
	Split     string `json:"split"` // TOPIC/PARTITION
	Offset    int64  `json:"offset"`
}

// lateColumns is a late click as a table's row.
var lateColumns = table.Of(
	table.Text("user_id", func(l LateClick) string { return l.UserID }),
	table.Int("event_timestamp", func(l LateClick) int64 { return l.Timestamp }),
	table.Key(table.Text("split", func(l LateClick) string { return l.Split })),
	table.Key(table.Int("offset", func(l LateClick) int64 { return l.Offset })),
)

// LateClicks says where late clicks came from.
type LateClicks struct{}

// Process implements stream.Function.
func (LateClicks) Process(ctx *stream.Context, e *pb.ClickEvent, out *stream.Collector[LateClick]) error {
	split, offset := ctx.Position()
	out.Emit(LateClick{UserID: e.GetUserId(), Timestamp: e.GetEventTimestamp(), Split: split, Offset: offset})
	return nil
}
