package registry_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec/registry"
)

func TestHeaderGolden(t *testing.T) {
	for want, h := range map[string]registry.Header{
		"000000000700":             {7, []int{0}},
		"007fffffff00":             {1<<31 - 1, nil},
		"00000000010202":           {1, []int{1}},
		"0000000001040200":         {1, []int{1, 0}},
		"00000000010600020a":       {1, []int{0, 1, 5}},
		"000000000102ac02":         {1, []int{150}},
		"0000000100" + "02" + "04": {256, []int{2}},
	} {
		require.Equal(t, want, hex.EncodeToString(h.Append(nil)))
		got, message, err := registry.Split(append(h.Append(nil), 1, 2, 3))
		require.NoError(t, err)
		if h.Path == nil {
			h.Path = []int{0}
		}
		require.Equal(t, h, got)
		require.Equal(t, []byte{1, 2, 3}, message)
	}
}

func TestSplitRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "the value is empty",
		"0a0161":                       "the first byte is 0a, not 00",
		"00":                           "1 bytes end within the header",
		"0000000001":                   "5 bytes end within the header",
		"00ffffffff00":                 "the schema id ff ff ff ff is negative",
		"000000000103":                 "come no message indexes but 03", // a count of -2
		"0000000001c801":               "come no message indexes",        // of 100
		"00000000010401":               "indexes after schema id 1 are broken",
		"000000000104":                 "indexes after schema id 1 are broken",
		"0000000001ffffffffffffffffff": "come no message indexes",
	} {
		b, err := hex.DecodeString(text)
		require.NoError(t, err)
		_, _, err = registry.Split(b)
		require.ErrorIs(t, err, registry.ErrFrame)
		require.ErrorContains(t, err, want)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x00\x00\x07\x00\x0a\x01a"))
	f.Add([]byte("\x00\x00\x00\x00\x07\x04\x02\x00"))
	f.Add([]byte("\x00\x00\x00\x00\x07\x82\x00\x80\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, message, err := registry.Split(b)
		if err != nil {
			require.ErrorIs(t, err, registry.ErrFrame)
			return
		}
		require.True(t, bytes.HasSuffix(b, message))
		again, rest, err := registry.Split(append(h.Append(nil), message...))
		require.NoError(t, err)
		require.Equal(t, h, again)
		require.Equal(t, message, rest)
	})
}
