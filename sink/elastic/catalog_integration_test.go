//go:build integration

package elastic_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/elastic"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/versiontest"
)

var versionedColumns = table.Of(
	table.Key(table.Text("id", func(r versiontest.Record) string { return r.ID })),
	table.Key(table.Int("seq", func(r versiontest.Record) int64 { return r.Seq })),
	table.Text("text", func(r versiontest.Record) string { return r.Text }),
)

// destination is a result of its own on a server.
type destination struct {
	server
	prefix string
}

func newDestination(t testing.TB, s server) destination {
	d := destination{s, newIndex()}
	t.Cleanup(func() {
		var all map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(s.must(t, "GET", "/"+d.prefix+"*", ""), &all))
		for name := range all {
			s.must(t, "DELETE", "/"+name, "")
		}
	})
	return d
}

func (d destination) open(t testing.TB) version.Catalog {
	c, err := elastic.Versions([]string{d.url}, "sessions", elastic.CatalogIndex(d.prefix+"-versions"))
	require.NoError(t, err)
	return c
}

func (d destination) place(table, version string) string {
	return d.prefix + "_" + table + "_" + version
}
func (d destination) reader(table string) string { return d.prefix + "_" + table }

func (d destination) fill(t testing.TB, place string, records []versiontest.Record) {
	w := open(t, elastic.Upsert([]string{d.url}, place, versionedColumns, elastic.Replicas(0)))
	var rows []sink.Row[versiontest.Record]
	for _, r := range records {
		rows = append(rows, sink.Row[versiontest.Record]{Value: r})
	}
	require.NoError(t, w.Write(t.Context(), rows))
	require.NoError(t, w.Close())
}

// read is one search, as readers make it.
func (d destination) read(_ testing.TB, table string) (records []versiontest.Record, err error) {
	status, answer, err := d.call("GET", "/"+d.reader(table)+"/_search?size=10000", "")
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("%d %s %w", status, answer, err)
	}
	var found struct {
		Hits struct {
			Hits []struct {
				Source versiontest.Record `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	err = json.Unmarshal(answer, &found)
	for _, h := range found.Hits.Hits {
		records = append(records, h.Source)
	}
	return records, err
}

func TestCatalog(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		versiontest.Run(t, versiontest.Config{
			Features: versiontest.Features{Readers: true, Rows: true, Drops: true, Replaces: true},
			New: func(t *testing.T) versiontest.Target {
				d := newDestination(t, s)
				return versiontest.Target{
					Open: d.open, Place: d.place, Reader: d.reader, Fill: d.fill, Read: d.read,
					Occupy: func(t testing.TB, table string) {
						d.fill(t, d.reader(table), []versiontest.Record{{ID: "mine", Seq: 1, Text: "own"}})
					},
					Occupied: func(t testing.TB, table string) bool {
						rows, err := d.read(t, table)
						return err == nil && len(rows) == 1 && rows[0].Text == "own"
					},
				}
			},
		})
	})
}

// create makes a version with rows that carry its name.
func (d destination) create(t testing.TB, c version.Catalog, name string) {
	v := version.Version{Name: name, Tables: map[string]string{}}
	for _, table := range []string{versiontest.First, versiontest.Second} {
		v.Tables[d.reader(table)] = d.place(table, name)
		d.fill(t, d.place(table, name), []versiontest.Record{{ID: "a", Seq: 1, Text: name}})
	}
	_, err := c.Create(t.Context(), v)
	require.NoError(t, err)
}

func (d destination) requireSeen(t testing.TB, want string) {
	t.Helper()
	for _, table := range []string{versiontest.First, versiontest.Second} {
		rows, err := d.read(t, table)
		require.NoError(t, err)
		require.Equal(t, []versiontest.Record{{ID: "a", Seq: 1, Text: want}}, rows)
	}
}

// Somebody else's alias under a reader's name is left alone.
func TestForeignAlias(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		d := newDestination(t, s)
		c := d.open(t)
		d.create(t, c, "v1")
		s.must(t, "PUT", "/"+d.prefix+"_own", `{"aliases":{"`+d.reader(versiontest.Second)+`":{}}}`)
		err := c.Switch(t.Context(), "", "v1")
		require.ErrorIs(t, err, version.ErrTaken)
		require.ErrorContains(t, err, d.reader(versiontest.Second)+" is an alias of "+d.prefix+"_own")
		_, err = d.read(t, versiontest.First)
		require.Error(t, err)
	})
}

// What a hand has moved is told and mended by a switch to the same version.
func TestAliasesMovedByHand(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		d := newDestination(t, s)
		c := d.open(t)
		d.create(t, c, "v1")
		d.create(t, c, "v2")
		require.NoError(t, c.Switch(t.Context(), "", "v1"))
		second := d.reader(versiontest.Second)
		s.must(t, "POST", "/_aliases", fmt.Sprintf(`{"actions":[{"remove":{"index":"%s_v1","alias":"%s"}},{"add":{"index":"%s_v2","alias":"%s"}}]}`, second, second, second, second))
		require.NoError(t, c.Switch(t.Context(), "v1", "v1"))
		d.requireSeen(t, "v1")
		l, err := c.List(t.Context())
		require.NoError(t, err)
		require.Equal(t, [2]string{"v1", ""}, [2]string{l.Current, l.Previous})
	})
}

func TestSwitchToAVersionWithoutRows(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		d := newDestination(t, s)
		c := d.open(t)
		d.create(t, c, "v1")
		require.NoError(t, c.Switch(t.Context(), "", "v1"))
		_, err := c.Create(t.Context(), version.Version{Name: "v2", Tables: map[string]string{d.reader(versiontest.First): d.place(versiontest.First, "v2")}})
		require.NoError(t, err)
		err = c.Switch(t.Context(), "v1", "v2")
		require.ErrorIs(t, err, version.ErrUnknown)
		require.ErrorContains(t, err, "has no rows yet")
		d.requireSeen(t, "v1")
		require.NoError(t, c.Drop(t.Context(), "v2"), "an index that was never made is no obstacle")
	})
}

// A rollback is one request.
func TestRollbackIsFast(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		d := newDestination(t, s)
		c := d.open(t)
		d.create(t, c, "v1")
		d.create(t, c, "v2")
		require.NoError(t, c.Switch(t.Context(), "", "v1"))
		require.NoError(t, c.Switch(t.Context(), "v1", "v2"))
		begun := time.Now()
		require.NoError(t, c.Switch(t.Context(), "v2", "v1"))
		d.requireSeen(t, "v1")
		t.Logf("rolled back, seen by readers, after %v", time.Since(begun))
	})
}

// What a crash in the middle of Drop and Replace leaves is completed by another call.
func TestCutOffChanges(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		d := newDestination(t, s)
		c := d.open(t).(*elastic.Catalog)
		for _, name := range []string{"v1", "v2", "next"} {
			d.create(t, c, name)
		}
		require.NoError(t, c.Switch(t.Context(), "", "v1"))
		// Drop had removed the indexes.
		s.must(t, "DELETE", "/"+d.place(versiontest.First, "v2")+","+d.place(versiontest.Second, "v2"), "")
		require.NoError(t, c.Drop(t.Context(), "v2"))
		// Replace had moved the readers.
		var actions string
		for _, table := range []string{versiontest.First, versiontest.Second} {
			actions += fmt.Sprintf(`{"remove_index":{"index":"%s"}},{"add":{"index":"%s","alias":"%s","is_write_index":true}},`, d.place(table, "v1"), d.place(table, "next"), d.reader(table))
		}
		s.must(t, "POST", "/_aliases", `{"actions":[`+actions[:len(actions)-1]+`]}`)
		d.requireSeen(t, "next")
		require.NoError(t, c.Replace(t.Context(), "v1", "next"))
		l, err := c.List(t.Context())
		require.NoError(t, err)
		require.Len(t, l.Versions, 1)
		require.Equal(t, "v1", l.Current)
		require.Equal(t, d.place(versiontest.First, "next"), l.Versions[0].Tables[d.reader(versiontest.First)])
	})
}

// Rows come in the order of the key, although the servers sort instants by the millisecond.
func TestRowsOfTypes(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		d := newDestination(t, s)
		c := d.open(t).(*elastic.Catalog)
		index := d.prefix + "_typed_v1"
		w := open(t, elastic.Upsert([]string{d.url}, index, typedColumns))
		at := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
		var rows []sink.Row[typed]
		for i := range 50 {
			rows = append(rows, sink.Row[typed]{Value: typed{ID: []byte{byte(i % 2)}, When: at.Add(time.Duration(i*7919%50) * 100 * time.Microsecond), Flag: i%3 == 0, Ratio: float64(i) / 8, Null: i%5 == 0}})
		}
		require.NoError(t, w.Write(t.Context(), rows))
		require.NoError(t, w.Close())
		_, err := c.Create(t.Context(), version.Version{Name: "v1", Tables: map[string]string{d.prefix + "_typed": index}})
		require.NoError(t, err)
		got, err := c.Rows(t.Context(), "v1", d.prefix+"_typed")
		require.NoError(t, err)
		require.Equal(t, []version.Column{{Name: "id", Key: 1}, {Name: "seen_at", Key: 2}, {Name: "flag", Key: 3}, {Name: "ratio"}, {Name: "note"}}, got.Columns)
		var before []version.Value
		n, nulls := 0, 0
		for row, err := range got.All {
			require.NoError(t, err)
			if before != nil {
				require.Negative(t, version.CompareKeys(before, row, got.Keys()))
			}
			if row[3].IsNull() {
				nulls++
			}
			before = row
			n++
		}
		require.Equal(t, [2]int{50, 10}, [2]int{n, nulls})

		s.must(t, "PUT", "/"+d.prefix+"_byhand", `{"mappings":{"properties":{"id":{"type":"keyword"}}}}`)
		_, err = c.Create(t.Context(), version.Version{Name: "v2", Tables: map[string]string{d.prefix + "_typed": d.prefix + "_byhand"}})
		require.NoError(t, err)
		_, err = c.Rows(t.Context(), "v2", d.prefix+"_typed")
		require.ErrorContains(t, err, "does not tell its key")
	})
}

func TestCatalogNames(t *testing.T) {
	for _, test := range []struct {
		urls   []string
		result string
		index  string
	}{
		{nil, "sessions", "x"}, {[]string{"http://u:s3cr3t@h:port"}, "sessions", "x"}, {[]string{"http://localhost:1"}, "", "x"}, {[]string{"http://localhost:1"}, "sessions", "X"},
	} {
		_, err := elastic.Versions(test.urls, test.result, elastic.CatalogIndex(test.index))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "s3cr3t")
	}
	c, err := elastic.Versions([]string{"http://u:s3cr3t@127.0.0.1:1"}, "sessions")
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", c, c, c), "s3cr3t")
	_, err = c.Create(t.Context(), version.Version{Name: "v1", Tables: map[string]string{"a*": "b,c"}})
	require.ErrorContains(t, err, `"a*"`)
	require.ErrorContains(t, err, `"b,c"`)
	_, err = c.List(t.Context())
	require.True(t, sink.IsTemporary(err), "%v", err)
}
