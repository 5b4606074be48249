package elastic

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/table"
)

var everything = table.Of(
	table.Key(table.Text("a", func(k keyed) string { return k.A })),
	table.Int("n", func(k keyed) int64 { return k.N }),
	table.Bool("flag", func(k keyed) bool { return k.Flag }),
	table.Bytes("raw", func(k keyed) []byte { return k.Raw }),
	table.Time("at", func(k keyed) time.Time { return k.At }),
	table.Nullable(table.Float("ratio", func(k keyed) float64 { return float64(k.N) / 4 }), func(k keyed) bool { return k.N == 0 }),
)

func TestDocument(t *testing.T) {
	at := time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	doc, err := appendDocument(nil, everything.All(), keyed{A: "a\n\"\\\x00b ü", N: 1<<53 + 1, Flag: true, Raw: []byte{0, 255}, At: at})
	require.NoError(t, err)
	require.Equal(t, `{"a":"a\u000A\"\\\u0000b ü","n":9007199254740993,"flag":true,"raw":"00ff","at":"1969-12-31T23:59:59.999999Z","ratio":2.251799813685248e+15}`, string(doc))
	doc, err = appendDocument(nil, everything.All(), keyed{At: at})
	require.NoError(t, err)
	require.Equal(t, `{"a":"","n":0,"flag":false,"raw":"","at":"1969-12-31T23:59:59.999999Z","ratio":null}`, string(doc))
}

// requireString reads a text back from its JSON.
func requireString(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		return
	}
	var back string
	require.NoError(t, json.Unmarshal(appendString(nil, s), &back))
	require.Equal(t, s, back)
}

func TestDescribe(t *testing.T) {
	c := configOf([]Option{Shards(3), Replicas(0)})
	got, err := json.Marshal(describe(everything, c))
	require.NoError(t, err)
	require.JSONEq(t, `{"settings":{"number_of_shards":3,"number_of_replicas":0},"mappings":{"dynamic":"strict","_meta":{"millrace":{"key":["a"],"columns":["a","n","flag","raw","at","ratio"]}},"properties":{
		"a":{"type":"keyword"},"n":{"type":"long"},"flag":{"type":"boolean"},"raw":{"type":"keyword","ignore_above":8191},"at":{"type":"date"},"ratio":{"type":"double"}}}}`, string(got))
	got, err = json.Marshal(describe(everything, configOf(nil)))
	require.NoError(t, err)
	require.NotContains(t, string(got), "settings", "the server's defaults")
}
