package elastic

import (
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/table"
)

type keyed struct {
	A, B string
	N    int64
	Flag bool
	Raw  []byte
	At   time.Time
}

var (
	textKeys = table.Of(table.Key(table.Text("a", func(k keyed) string { return k.A })), table.Key(table.Text("b", func(k keyed) string { return k.B }))).Keys()
	allKeys  = table.Of(
		table.Key(table.Text("a", func(k keyed) string { return k.A })),
		table.Key(table.Int("n", func(k keyed) int64 { return k.N })),
		table.Key(table.Bool("flag", func(k keyed) bool { return k.Flag })),
		table.Key(table.Bytes("raw", func(k keyed) []byte { return k.Raw })),
		table.Key(table.Time("at", func(k keyed) time.Time { return k.At })),
	).Keys()
)

func TestIDs(t *testing.T) {
	at := time.Date(2024, 3, 1, 12, 0, 0, 1_000, time.FixedZone("east", 3600))
	for _, test := range []struct {
		keys []table.Column[keyed]
		row  keyed
		want string
	}{
		{allKeys, keyed{A: "u1", N: -7, Flag: true, Raw: []byte{0, 255}, At: at}, "u1,-7,true,00ff,2024-03-01T11:00:00.000001Z"},
		{allKeys, keyed{At: at}, "~,0,false,~,2024-03-01T11:00:00.000001Z"},
		{textKeys, keyed{A: "a b", B: "c,d"}, "a~20b,c~2Cd"},
		{textKeys, keyed{A: "~", B: `"\/`}, "~7E,~22~5C~2F"},
		{textKeys, keyed{A: "a@b.com", B: "x+y=z:_-"}, "a@b.com,x+y=z:_-"},
		{textKeys, keyed{A: "grüße", B: "日本🚰"}, "grüße,日本🚰"},
		{textKeys, keyed{A: "\u2028", B: "\xff\x00"}, "~E2~80~A8,~FF~00"},
		{textKeys, keyed{A: "\ufffd", B: ""}, "\ufffd,~"},
	} {
		require.Equal(t, test.want, string(appendID(nil, test.keys, test.row)))
	}
}

func TestLongIDs(t *testing.T) {
	long := strings.Repeat("x", 510)
	require.Equal(t, long+",y", string(appendID(nil, textKeys, keyed{A: long, B: "y"})), "512 bytes are not too many")
	seen := map[string]bool{}
	for _, row := range []keyed{{A: long, B: "yy"}, {A: long + ",y", B: "y"}, {A: long, B: "zz"}, {A: strings.Repeat("ü", 300), B: "y"}, {A: "x" + strings.Repeat("ü", 300), B: "y"}} {
		id := string(appendID([]byte("before"), textKeys, row))[len("before"):]
		require.LessOrEqual(t, len(id), 64+2+64)
		require.Regexp(t, `^[xü]{32,64}~~[0-9a-f]{64}$`, id)
		require.False(t, seen[id])
		seen[id] = true
	}
}

// FuzzID reads the key back from its id, so no two keys share one, and finds it fit for JSON and for a URL.
func FuzzID(f *testing.F) {
	f.Add("", "")
	f.Add("~", ",")
	f.Add("~~00", "\xff,\u2028")
	f.Add("grüße", `"\`)
	f.Add("\x00\x1f\"\\\u2028 🚰", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		requireString(t, a)
		id := string(appendID(nil, textKeys, keyed{A: a, B: b}))
		require.LessOrEqual(t, len(id), maxID)
		require.Equal(t, `"`+id+`"`, string(appendString(nil, id)), "nothing in an id needs escaping in JSON")
		require.NotContains(t, id, "/")
		if strings.Contains(id, "~~") {
			return // a digest
		}
		left, right, _ := strings.Cut(id, ",")
		require.Equal(t, a, unescape(t, left))
		require.Equal(t, b, unescape(t, right))
		u, err := url.Parse("http://host/index/_doc/" + id)
		require.NoError(t, err)
		require.Equal(t, "/index/_doc/"+id, u.Path)
	})
}

func unescape(t *testing.T, s string) string {
	if s == "~" {
		return ""
	}
	parts := strings.Split(s, "~")
	for i, p := range parts[1:] {
		raw, err := hex.DecodeString(p[:2])
		require.NoError(t, err)
		parts[i+1] = string(raw) + p[2:]
	}
	return strings.Join(parts, "")
}
