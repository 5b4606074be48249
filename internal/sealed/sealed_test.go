package sealed

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryByteIsUnderTheSeal(t *testing.T) {
	var d struct {
		SHA256 string
		Text   string
	}
	d.Text = "what is kept"
	b, err := Encode(&d, &d.SHA256)
	require.NoError(t, err)
	require.True(t, Matches(b, d.SHA256))
	require.False(t, Matches(b, ""))
	for i := range b {
		damaged := bytes.Clone(b)
		damaged[i] ^= 1
		require.False(t, Matches(damaged, d.SHA256), "byte %d", i)
	}
}
