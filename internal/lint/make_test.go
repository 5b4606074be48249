package lint

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	makeTarget = regexp.MustCompile(`(?m)^([a-z-]+):`)
	// A command between backticks, on a line of code, or behind "or:".
	makeCommand = regexp.MustCompile("(?m)(?:`|^    |or: )make ([a-z-]+)")
)

// What the documents tell a reader to make is in the Makefile.
func TestMakeTargets(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllSubmatch(read(t, "Makefile"), -1) {
		targets[string(m[1])] = true
	}
	told := 0
	for name, text := range documents(t) {
		for _, m := range makeCommand.FindAllSubmatch(text, -1) {
			told++
			require.True(t, targets[string(m[1])], "%s tells to make %s, which the Makefile does not have", name, m[1])
		}
	}
	require.Positive(t, told)
}
