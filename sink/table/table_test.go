package table_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

type row struct {
	ID    string
	Seq   int64
	Ratio float64
	Flag  bool
	Raw   []byte
	At    time.Time
	Gone  bool
}

func id(r row) string     { return r.ID }
func seq(r row) int64     { return r.Seq }
func gone(r row) bool     { return r.Gone }
func ratio(r row) float64 { return r.Ratio }

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name    string
		columns table.Columns[row]
		want    []string
	}{
		{"good", table.Of(table.Key(table.Text("id", id)), table.Int("Seq_2", seq)), nil},
		{"zero value", table.Columns[row]{}, []string{"no columns"}},
		{"empty name", table.Of(table.Text("", id)), []string{`column 1: the name "" must have 1 to 63 bytes`}},
		{"long name", table.Of(table.Text(strings.Repeat("n", 64), id)), []string{"1 to 63 bytes"}},
		{"digit first", table.Of(table.Text("1id", id)), []string{`"1id" must consist of letters`}},
		{"quote", table.Of(table.Text(`id"; DROP TABLE x; --`, id)), []string{"must consist of letters"}},
		{"not a-z", table.Of(table.Text("größe", id)), []string{"must consist of letters"}},
		{"all at once", table.Of(table.Text("id", id), table.Int("ID", seq), table.Text[row]("t", nil), table.Key(table.Float("f", ratio)), table.Nullable(table.Key(table.Int("n", seq)), gone)),
			[]string{`column 2: the name "ID" stands twice`, `column "t": its value function is nil`, `column "f": a float cannot be a key`, `column "n": a key cannot be null`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.columns.Validate()
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			for _, part := range test.want {
				require.ErrorContains(t, err, part)
			}
		})
	}
	noKey := table.Of(table.Text("id", id))
	require.NoError(t, noKey.Validate())
	require.ErrorContains(t, noKey.ValidateUpsert(), "table.Key")
	require.NoError(t, table.Of(table.Key(table.Text("id", id))).ValidateUpsert())
}

func TestOfKeepsItsOwnColumns(t *testing.T) {
	list := []table.Column[row]{table.Text("id", id)}
	columns := table.Of(list...)
	list[0] = table.Int("other", seq)
	require.Equal(t, "id", columns.All()[0].Name())
}

func TestAppend(t *testing.T) {
	at := time.Date(2024, 3, 13, 11, 22, 33, 456_789_999, time.FixedZone("", 3600))
	for _, test := range []struct {
		column       table.Column[row]
		row          row
		plain, shown string
	}{
		{table.Text("c", id), row{ID: "a \"b\""}, `a "b"`, `"a \"b\""`},
		{table.Int("c", seq), row{Seq: -1 << 63}, "-9223372036854775808", "-9223372036854775808"},
		{table.Float("c", ratio), row{Ratio: 0.1}, "0.1", "0.1"},
		{table.Bool("c", func(r row) bool { return r.Flag }), row{Flag: true}, "true", "true"},
		{table.Bytes("c", func(r row) []byte { return r.Raw }), row{Raw: []byte{0, 0xfe}}, "00fe", "00fe"},
		{table.Time("c", func(r row) time.Time { return r.At }), row{At: at}, "2024-03-13T10:22:33.456789Z", "2024-03-13T10:22:33.456789Z"},
		{table.Nullable(table.Text("c", id), gone), row{Gone: true}, "", "null"},
		{table.Nullable(table.Text("c", id), gone), row{ID: "here"}, "here", `"here"`},
	} {
		require.Equal(t, "-"+test.plain, string(test.column.Append([]byte("-"), test.row)))
		require.Equal(t, "-"+test.shown, string(test.column.AppendShown([]byte("-"), test.row)))
	}
}

func TestKeyString(t *testing.T) {
	columns := table.Of(table.Key(table.Text("id", id)), table.Float("ratio", ratio), table.Key(table.Int("seq", seq)))
	require.Equal(t, `id="u1" seq=17`, columns.KeyString(row{ID: "u1", Seq: 17}))
	require.Equal(t, `id="`+strings.Repeat("x", 64)+`"... seq=0`, columns.KeyString(row{ID: strings.Repeat("x", 65)}))
	require.Equal(t, `id="x`+strings.Repeat("ü", 31)+`"... seq=0`, columns.KeyString(row{ID: "x" + strings.Repeat("ü", 40)}), "no rune is cut")
	require.Equal(t, "no key", table.Of(table.Int("seq", seq)).KeyString(row{}))
}

// TestLastAgainstMap compares Split with the plain way, batch after batch with the same Last.
func TestLastAgainstMap(t *testing.T) {
	columns := table.Of(table.Key(table.Text("id", id)), table.Float("ratio", ratio), table.Key(table.Bytes("raw", func(r row) []byte { return r.Raw })), table.Key(table.Int("seq", seq)))
	rapid.Check(t, func(t *rapid.T) {
		last := table.NewLast(columns)
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sink.Row[row] {
				return sink.Row[row]{
					Value: row{ID: rapid.StringMatching("a{0,2}").Draw(t, "id"), Raw: []byte(rapid.StringMatching("a{0,2}").Draw(t, "raw")), Seq: rapid.Int64Range(0, 3).Draw(t, "seq")},
					Op:    rapid.SampledFrom([]sink.Op{sink.Upsert, sink.Delete}).Draw(t, "op"),
				}
			}), 0, 100).Draw(t, "rows")
			newest := make(map[string]int32)
			var order []string
			for i, r := range rows {
				key := columns.KeyString(r.Value)
				if _, ok := newest[key]; !ok {
					order = append(order, key)
				}
				newest[key] = int32(i)
			}
			var upserts, deletes []int32
			for _, key := range order {
				if i := newest[key]; rows[i].Op == sink.Delete {
					deletes = append(deletes, i)
				} else {
					upserts = append(upserts, i)
				}
			}
			gotUpserts, gotDeletes := last.Split(rows)
			if fmt.Sprint(upserts, deletes) != fmt.Sprint(gotUpserts, gotDeletes) {
				t.Fatalf("Split gave %v %v, want %v %v", gotUpserts, gotDeletes, upserts, deletes)
			}
		}
	})
}

func BenchmarkLast(b *testing.B) {
	columns := table.Of(table.Key(table.Text("id", id)), table.Key(table.Int("seq", seq)))
	rows := make([]sink.Row[row], 1000)
	for i := range rows {
		rows[i].Value = row{ID: fmt.Sprintf("user_%06d", i), Seq: 1_700_000_000_000}
	}
	last := table.NewLast(columns)
	b.ReportAllocs()
	for b.Loop() {
		last.Split(rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}

func ExampleOf() {
	type Session struct {
		UserID string
		Start  int64
		Events int64
	}
	sessions := table.Of(
		table.Key(table.Text("user_id", func(s Session) string { return s.UserID })),
		table.Key(table.Int("session_start", func(s Session) int64 { return s.Start })),
		table.Int("events", func(s Session) int64 { return s.Events }),
	)
	fmt.Println(sessions.Validate(), sessions.KeyString(Session{"u1", 17, 3}))
	// Output: <nil> user_id="u1" session_start=17
}
