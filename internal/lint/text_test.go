package lint

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// binary are the endings of files that are not text.
var binary = []string{".gz", ".zst", ".png", ".parquet", ".db", ".snapshot", ".bin"}

// Written apart, so that this file does not hold what it forbids.
var forbidden = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(^|[\s"'=:(` + "`" + `])/(work|root|home/\w+|Users/\w+)/`), "a path of one machine; use a path from the project's root, or a temporary directory"},
	{regexp.MustCompile(strings.Join([]string{`proxy\.gol` + `ang\.org`, `sum\.gol` + `ang\.org`, `repo1?\.maven\.(apache\.)?o` + `rg`, `registry\.npmj` + `s\.org`, `(files\.)?pythonhos` + `ted\.org`, `https?://py` + `pi\.org`}, "|")),
		"a package registry's host; let the package manager use the one it is set to"},
	{regexp.MustCompile(`(?i)\b(TO` + `DO|FIX` + `ME|X` + `XX)\b[:( ]`), "a note about unfinished work; finish it, or say in the documentation what is missing"},
	{regexp.MustCompile(`(?m)^(<<<<<<<|>>>>>>>) `), "a conflict mark; resolve it"},
}

func TestTextIsClean(t *testing.T) {
	for _, name := range files(t) {
		if slices.Contains(binary, path.Ext(name)) || strings.Contains(name, "testdata/") {
			continue
		}
		text := read(t, name)
		if bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
			continue
		}
		for _, f := range forbidden {
			if at := f.pattern.FindIndex(text); at != nil {
				line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
				t.Errorf("%s:%d has %q: %s", name, line, strings.TrimSpace(string(text[at[0]:at[1]])), f.instead)
			}
		}
	}
}

// A file that is larger was most likely built, or measured, here: everybody who clones the project takes it along for ever.
func TestFilesAreSmall(t *testing.T) {
	for _, name := range files(t) {
		info, err := os.Stat(filepath.Join(root, name))
		require.NoError(t, err)
		if info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes; a file has one megabyte at most: leave out what can be built, generate what is data", name, info.Size())
		}
	}
}
