package format

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

func textFormat() *Text[string] {
	return CSV(table.Of(table.Text("a", func(s string) string { return s }), table.Text("b", func(s string) string { return s })))
}

// FuzzText has any text read back as it was, from CSV as encoding/csv does and from JSON with U+FFFD for what is not UTF-8.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a", `"\`, "\x00\x1f\u2028", "a\xffb", "日本", "\xed\xa0\x80", `"`, `""`, "a,b", "\n", " x", `\.`, "\t", "grüße"} {
		f.Add(s)
	}
	format := textFormat()
	f.Fuzz(func(t *testing.T, s string) {
		line, err := format.append(nil, s)
		require.NoError(t, err)
		var want bytes.Buffer
		w := csv.NewWriter(&want)
		require.NoError(t, w.Write([]string{s, s}))
		w.Flush()
		read := func(b []byte) []string {
			fields, err := csv.NewReader(bytes.NewReader(b)).Read()
			require.NoError(t, err, "%q", b)
			return fields
		}
		require.Equal(t, read(want.Bytes()), read(line))
		requireJSON(t, s)
	})
}

func requireJSON(t *testing.T, s string) {
	t.Helper()
	var got string
	require.NoError(t, json.Unmarshal(appendJSONString(nil, s), &got))
	want := make([]rune, 0, len(s))
	for _, r := range s {
		want = append(want, r) // invalid bytes range as U+FFFD, one each
	}
	require.Equal(t, string(want), got)
	require.True(t, utf8.ValidString(got))
}

func BenchmarkCSV(b *testing.B) {
	type row struct {
		user  string
		start int64
	}
	f := CSV(table.Of(table.Text("user_id", func(r row) string { return r.user }), table.Int("session_start", func(r row) int64 { return r.start })))
	rows := make([]sink.Row[row], 1000)
	for i := range rows {
		rows[i].Value = row{"user_0000", 1_700_000_000_000}
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = f.AppendRows(buf[:0], rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}
