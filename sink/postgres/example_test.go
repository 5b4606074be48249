package postgres_test

import (
	"fmt"

	"github.com/millrace/millrace/sink/postgres"
	"github.com/millrace/millrace/sink/table"
)

type Session struct {
	UserID string
	Start  int64 // milliseconds
	Events int64
}

// The row type is inferred from the columns.
func ExampleUpsert() {
	columns := table.Of(
		table.Key(table.Text("user_id", func(s Session) string { return s.UserID })),
		table.Key(table.Int("session_start", func(s Session) int64 { return s.Start })),
		table.Int("events", func(s Session) int64 { return s.Events }),
	)
	sessions := postgres.Upsert("postgres://analytics:secret@db.example.com/analytics", "sessions_v1", columns)
	fmt.Println(sessions)
	// Output: postgres table=sessions_v1
}
