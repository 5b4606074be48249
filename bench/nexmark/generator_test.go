package nexmark

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// lines reads a compressed file of testdata.
func lines(t *testing.T, name string) (all []string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	for s := bufio.NewScanner(z); ; {
		if !s.Scan() {
			require.NoError(t, s.Err())
			require.NotEmpty(t, all)
			return all
		}
		all = append(all, s.Text())
	}
}

// The text of the first 20,000 events that Beam's generator makes by default has this SHA-256; testdata has the first 300 lines, to show where it goes wrong.
const beam20k = "2ee9eaedbba435128db47f4e30aa157281431da3be2025e6796d24136956947d"

func TestEventsAreBeams(t *testing.T) {
	want := lines(t, "events-300.txt.gz")
	g := NewGenerator(Config{}, 0)
	sum := sha256.New()
	var e Event
	var text []byte
	for n := range int64(20_000) {
		g.Make(n, &e)
		text = e.AppendText(text[:0], g.Watermark(n))
		if n < int64(len(want)) {
			require.Equal(t, want[n], string(text), "event %d", n)
		}
		sum.Write(append(text, '\n'))
	}
	require.Equal(t, beam20k, hex.EncodeToString(sum.Sum(nil)))
}

func BenchmarkGenerator(b *testing.B) {
	b.ReportAllocs()
	g := NewGenerator(Config{}, 0)
	var e Event
	n := int64(0)
	for b.Loop() {
		g.Make(n, &e)
		n++
	}
}
