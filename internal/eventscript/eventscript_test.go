package eventscript

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	steps, err := Parse("a@0 b:1@-5  W@12 +5s CRASH END")
	require.NoError(t, err)
	require.Equal(t, []Step{
		{Kind: Record, Name: "a", Word: "a@0"},
		{Kind: Record, Name: "b:1", At: -5, Word: "b:1@-5"},
		{Kind: Watermark, Name: "W", At: 12, Word: "W@12"},
		{Kind: Wait, For: 5 * time.Second, Word: "+5s"},
		{Kind: Crash, Word: "CRASH"},
		{Kind: End, Word: "END"},
	}, steps)
	for _, bad := range []string{"a", "@5", "a@", "a@x", "+soon", "W@1e3"} {
		_, err := Parse("ok@1 " + bad)
		require.ErrorContains(t, err, `"`+bad+`"`)
	}
}
