//go:build integration

package elastic_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/servers"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/elastic"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/sink/table"
)

func TestConformanceOnServers(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		sinktest.Run(t, sinktest.Config[record]{
			New: func(t *testing.T) sinktest.Target[record] {
				name := s.index(t)
				return sinktest.Target[record]{
					Sink: func() sink.Sink[record] { return elastic.Upsert([]string{s.url}, name, sinktest.Columns) },
					Rows: func(t *testing.T) []record { return s.records(t, name) },
				}
			},
			Value:    sinktest.Same,
			Features: features,
		})
	})
}

func TestExistingIndex(t *testing.T) {
	const good = `"id":{"type":"keyword"},"seq":{"type":"long"},"text":{"type":"text"},"number":{"type":"long"},"ratio":{"type":"double"},"flag":{"type":"boolean"}`
	onEach(t, func(t *testing.T, s server) {
		for _, test := range []struct{ name, mappings, want string }{
			{"fits", `{"properties":{` + good + `}}`, ""},
			{"further fields", `{"properties":{` + good + `,"extra":{"type":"ip"},"deep":{"properties":{"a":{"type":"long"}}}}}`, ""},
			{"all differences", `{"_source":{"enabled":false},"_routing":{"required":true},"_meta":{"millrace":{"key":["id"]}},"properties":{"id":{"type":"text"},"seq":{"type":"integer"},"text":{"type":"keyword"},"number":{"properties":{"a":{"type":"long"}}},"ratio":{"type":"double"}}}`,
				"field id is text, wanted keyword; field seq is integer, wanted long; field number is object, wanted long; field flag is missing; the key is (id), wanted (id, seq); documents are not stored (_source is disabled), so nobody could read the rows; documents need a routing value, and rows have none"},
			{"no fields", `{}`, "field id is missing; field seq is missing"},
		} {
			t.Run(test.name, func(t *testing.T) {
				name := s.index(t)
				s.must(t, "PUT", "/"+name, `{"mappings":`+test.mappings+`}`)
				w, err := elastic.Upsert([]string{s.url}, name, sinktest.Columns).Open(t.Context(), sink.Env{})
				if test.want != "" {
					require.ErrorIs(t, err, elastic.ErrSchema)
					require.ErrorContains(t, err, test.want)
					require.False(t, sink.IsTemporary(err))
					return
				}
				require.NoError(t, err)
				require.NoError(t, w.Write(t.Context(), append(one("a", 1), one("a", 1)...)))
				require.NoError(t, w.Close())
				require.Len(t, s.records(t, name), 1)
			})
		}
		t.Run("an alias", func(t *testing.T) {
			name := s.index(t)
			s.must(t, "PUT", "/"+name, `{"aliases":{"`+name+`_alias":{}}}`)
			_, err := elastic.Upsert([]string{s.url}, name+"_alias", sinktest.Columns).Open(t.Context(), sink.Env{})
			require.ErrorIs(t, err, elastic.ErrSchema)
			require.ErrorContains(t, err, name+"_alias is an alias or data stream (of "+name+")")
		})
	})
}

func TestMadeIndex(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		name := s.index(t)
		w := open(t, elastic.Upsert([]string{s.url}, name, sinktest.Columns, elastic.Shards(2), elastic.Replicas(0)))
		require.NoError(t, w.Write(t.Context(), one("a", 1)))
		var made map[string]struct {
			Settings map[string]any `json:"settings"`
			Mappings map[string]any `json:"mappings"`
		}
		require.NoError(t, json.Unmarshal(s.must(t, "GET", "/"+name+"?flat_settings=true", ""), &made))
		require.Equal(t, "2", made[name].Settings["index.number_of_shards"])
		require.Equal(t, "0", made[name].Settings["index.number_of_replicas"])
		require.Equal(t, "strict", made[name].Mappings["dynamic"])
		s.must(t, "GET", "/"+name+"/_doc/a,1", "")
		open(t, elastic.Upsert([]string{s.url}, name, sinktest.Columns)) // what was made fits
	})
}

func TestRefusedRowIsNamedByTheServer(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		name := s.index(t)
		w := open(t, elastic.Upsert([]string{s.url}, name, sinktest.Columns))
		rows := append(one("good", 1), one("bad", 2)...)
		rows[1].Value.ID = strings.Repeat("k", 40_000)
		err := w.Write(t.Context(), rows)
		require.ErrorContains(t, err, `row id="`+strings.Repeat("k", 64)+`"... seq=2: 400 `)
		require.ErrorContains(t, err, "immense term in field=\"id\"")
		require.False(t, sink.IsTemporary(err))

		// Somebody changes the index while the job runs.
		s.must(t, "PUT", "/"+name+"/_settings", `{"index.mapping.total_fields.limit":5000,"index.blocks.write":true}`)
		err = w.Write(t.Context(), one("good", 3))
		require.ErrorContains(t, err, "blocked by")
		require.False(t, sink.IsTemporary(err), "%v", err)
		s.must(t, "PUT", "/"+name+"/_settings", `{"index.blocks.write":false}`)
		require.NoError(t, w.Write(t.Context(), one("good", 3)))
	})
}

func TestValueThatDoesNotFitTheField(t *testing.T) {
	columns := table.Of(
		table.Key(table.Text("id", func(r record) string { return r.ID })),
		table.Time("at", func(r record) time.Time { return time.Date(int(r.Number), 1, 1, 0, 0, 0, 0, time.UTC) }),
	)
	onEach(t, func(t *testing.T, s server) {
		w := open(t, elastic.Upsert([]string{s.url}, s.index(t), columns))
		rows := append(one("good", 1), one("bad", 2)...)
		rows[0].Value.Number, rows[1].Value.Number = 2024, 10_000
		err := w.Write(t.Context(), rows)
		require.ErrorIs(t, err, table.ErrTime)
		require.ErrorContains(t, err, `row id="bad", column at: 10000-01-01T00:00:00Z`)
		require.False(t, sink.IsTemporary(err))
	})
}

func TestIndexDeletedOnTheServer(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		name := s.index(t)
		w := open(t, elastic.Upsert([]string{s.url}, name, sinktest.Columns))
		require.NoError(t, w.Write(t.Context(), one("a", 1)))
		s.must(t, "DELETE", "/"+name, "")
		// Within a second of the last look the Write may pass, but not the Close.
		require.ErrorIs(t, errors.Join(w.Write(t.Context(), one("a", 2)), w.Close()), elastic.ErrSchema)
	})
}

type typed struct {
	ID    []byte
	When  time.Time
	Flag  bool
	Ratio float64
	Note  string
	Null  bool
}

var typedColumns = table.Of(
	table.Key(table.Bytes("id", func(r typed) []byte { return r.ID })),
	table.Key(table.Time("seen_at", func(r typed) time.Time { return r.When })),
	table.Key(table.Bool("flag", func(r typed) bool { return r.Flag })),
	table.Nullable(table.Float("ratio", func(r typed) float64 { return r.Ratio }), func(r typed) bool { return r.Null }),
	table.Nullable(table.Text("note", func(r typed) string { return r.Note }), func(r typed) bool { return r.Null }),
)

func TestTypesAndNulls(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		name := s.index(t)
		w := open(t, elastic.Upsert([]string{s.url}, name, typedColumns))
		when := time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		rows := []sink.Row[typed]{
			{Value: typed{ID: []byte{0, 255}, When: when, Flag: true, Ratio: -math.MaxFloat64, Note: "first"}},
			{Value: typed{ID: nil, When: when.Add(time.Hour), Null: true}},
			{Value: typed{ID: []byte{0, 255}, When: when.Add(999 * time.Nanosecond), Flag: true, Ratio: 0.1, Note: "same instant in microseconds"}},
			{Value: typed{ID: []byte{0, 255}, When: when.Add(-time.Microsecond), Flag: true, Note: "another in the same millisecond"}},
		}
		require.NoError(t, w.Write(t.Context(), rows))
		require.NoError(t, w.Close())
		get := func(id string) string {
			var doc struct {
				Source json.RawMessage `json:"_source"`
			}
			require.NoError(t, json.Unmarshal(s.must(t, "GET", "/"+name+"/_doc/"+id, ""), &doc))
			return string(doc.Source)
		}
		require.JSONEq(t, `{"id":"00ff","seen_at":"1969-12-31T23:59:59.999999Z","flag":true,"ratio":0.1,"note":"same instant in microseconds"}`, get("00ff,1969-12-31T23:59:59.999999Z,true"))
		require.JSONEq(t, `{"id":"","seen_at":"1970-01-01T00:59:59.999999Z","flag":false,"ratio":null,"note":null}`, get("~,1970-01-01T00:59:59.999999Z,false"))
		require.Contains(t, get("00ff,1969-12-31T23:59:59.999998Z,true"), "another")

		w = open(t, elastic.Upsert([]string{s.url}, name, typedColumns))
		rows[2].Op, rows[1].Op = sink.Delete, sink.Delete
		require.NoError(t, w.Write(t.Context(), rows[1:3]))
		require.NoError(t, w.Close())
		require.Contains(t, string(s.must(t, "GET", "/"+name+"/_count", "")), `"count":1,`)
	})
}

func TestServerRestart(t *testing.T) {
	s, err := servers.StartSearch(t.Context(), servers.Elasticsearch, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	to := elastic.Upsert([]string{s.URL}, "kept", sinktest.Columns)
	w := open(t, to)
	require.NoError(t, w.Write(t.Context(), one("before", 1)))
	require.NoError(t, s.Kill())
	for range 2 {
		err := w.Write(t.Context(), one("after", 2))
		require.Error(t, err)
		require.True(t, sink.IsTemporary(err), "%v", err)
	}
	_, err = to.Open(t.Context(), sink.Env{})
	require.True(t, sink.IsTemporary(err), "Open while the server is away: %v", err)
	require.NoError(t, s.Start(t.Context()))
	write := func() bool {
		err := w.Write(context.Background(), one("after", 2))
		return err == nil || !sink.IsTemporary(err)
	}
	require.Eventually(t, write, 30*time.Second, 50*time.Millisecond, "shards may take a moment to come back")
	require.NoError(t, w.Close())
	require.Len(t, server{s.URL}.records(t, "kept"), 2, "what was written before the kill is durable")
}

// A Writer is cancelled in the middle of a large request, which the server goes on with. The one that takes its place waits for it, so what it
// writes then stays.
func TestSuccessorWaitsForALostRequest(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		name := s.index(t)
		to := elastic.Upsert([]string{s.url}, name, sinktest.Columns, elastic.BatchBytes(64<<20))
		w := open(t, to)
		const n = 5_000
		rows := make([]sink.Row[record], n)
		for i := range rows {
			rows[i].Value = record{ID: "row", Seq: int64(i), Text: "old " + strings.Repeat("x", 1000)}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = w.Write(ctx, rows) })
		running := func() bool {
			return strings.Contains(string(s.must(t, "GET", "/_tasks?actions=indices:data/write/bulk*", "")), "millrace/"+name)
		}
		require.Eventually(t, running, 10*time.Second, time.Millisecond)
		cancel()
		wg.Wait()

		next := open(t, to)
		require.False(t, running(), "the lost request is over")
		for i := range rows {
			rows[i].Value.Text = "new"
		}
		require.NoError(t, next.Write(t.Context(), rows))
		require.NoError(t, next.Close())
		require.Contains(t, string(s.must(t, "GET", "/"+name+"/_count?q=text:new", "")), fmt.Sprintf(`"count":%d,`, n))
	})
}
