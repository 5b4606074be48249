package file

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// cut takes b apart with small buffers and a small limit.
func cut(f framing, b []byte) (records [][]byte, err error) {
	in := bufio.NewReaderSize(bytes.NewReader(b), 16)
	for {
		out, ok, err := f.next(in, []byte("kept"), 100)
		if !bytes.HasPrefix(out, []byte("kept")) || err != nil && len(out) != 4 {
			panic("what was in dst has changed")
		}
		if err != nil {
			return records, err
		}
		if ok {
			records = append(records, out[4:])
		}
	}
}

func FuzzFraming(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nc"))
	f.Add([]byte("\x01a\x02bc\x00"))
	f.Add(append([]byte{0x80, 0x01}, bytes.Repeat([]byte("x"), 128)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := cut(lines{}, b)
		want := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		if len(b) == 0 {
			want = nil
		}
		for i, r := range got {
			require.Equal(t, strings.TrimSuffix(want[i], "\r"), string(r))
		}
		if err == io.EOF {
			require.Len(t, got, len(want))
		} else {
			require.ErrorIs(t, err, ErrTooLong)
			require.Greater(t, len(want[len(got)]), 100)
		}
		got, err = cut(delimited{}, b)
		size := 0
		for _, r := range got {
			require.LessOrEqual(t, len(r), 100)
			size += 1 + len(r)
		}
		require.LessOrEqual(t, size, len(b))
		require.Error(t, err)
	})
}
