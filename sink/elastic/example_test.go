package elastic_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/sink/elastic"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
)

type Session struct {
	UserID string
	Start  int64 // milliseconds
	Events int64
}

// The row type is inferred from the columns. The document of a row has the id u1,1709251200000.
func ExampleUpsert() {
	columns := table.Of(
		table.Key(table.Text("user_id", func(s Session) string { return s.UserID })),
		table.Key(table.Int("session_start", func(s Session) int64 { return s.Start })),
		table.Int("events", func(s Session) int64 { return s.Events }),
	)
	nodes := []string{"https://writer:secret@search-1.example.com:9200", "https://writer:secret@search-2.example.com:9200"}
	sessions := elastic.Upsert(nodes, "sessions_v1", columns, elastic.Shards(3))
	fmt.Println(sessions)
	// Output: elastic index=sessions_v1
}

// Readers of the aliases sessions and session_metrics see another version from one moment to the next, and the one before after another switch.
func ExampleVersions() {
	rollOut := func(ctx context.Context, nodes []string) (err error) {
		catalog, err := elastic.Versions(nodes, "sessions")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, catalog.Close()) }()
		_, err = catalog.Create(ctx, version.Version{
			Name:       "v2",
			Tables:     map[string]string{"sessions": "sessions_v2", "session_metrics": "session_metrics_v2"},
			Definition: "gap=15m0s",
		})
		if err != nil {
			return err
		}
		return catalog.Switch(ctx, "v1", "v2")
	}
	fmt.Println(rollOut(context.Background(), nil))
	// Output: elastic versions of sessions: no servers: give at least one URL such as http://localhost:9200
}
