package inspect

import (
	"bytes"
	"testing"
)

// A key is shown as a text that means it.
func FuzzKeyText(f *testing.F) {
	for _, k := range []string{"", "u1", "0x00", "\x00\xff", "a b\n", "ключ", "0X1"} {
		f.Add([]byte(k))
	}
	f.Fuzz(func(t *testing.T, key []byte) {
		text := keyText(key)
		got, err := ParseKey("string", text)
		if err != nil || !bytes.Equal(got, key) {
			t.Errorf("%x is shown as %q, which means %x, %v", key, text, got, err)
		}
		for _, codec := range []string{"int64", "bool", "other"} {
			_, _ = ParseKey(codec, string(key)) // an error or not
		}
	})
}
