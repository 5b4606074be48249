package s3_test

import (
	"fmt"

	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/s3"
	"github.com/millrace/millrace/sink/table"
)

// Sessions as compressed JSON lines in a bucket. The key comes from the environment.
func ExampleSink() {
	type Session struct {
		User   string
		Start  int64
		Events int64
	}
	columns := table.Of(
		table.Key(table.Text("user_id", func(s Session) string { return s.User })),
		table.Key(table.Int("session_start", func(s Session) int64 { return s.Start })),
		table.Int("events", func(s Session) int64 { return s.Events }),
	)
	location, _, err := s3.ParseLocation("s3://results/sessions/v2?endpoint=https://objects.example.org&region=eu-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions := s3.Sink(location, format.Zstd(format.JSONLines(columns)), s3.RollRows(1_000_000))
	fmt.Println(sessions)
	// Output: jsonl+zstd location=s3://results/sessions/v2
}
