package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
)

func TestSample(t *testing.T) {
	job := stream.NewJob("wordcount")
	var counts memory.List[string]
	countWords(job, file.Lines(codec.String(), "sample.log"), &counts)
	streamtest.Run(t, job)
	rows := counts.Rows()
	require.Len(t, rows, 21)
	require.Subset(t, rows, []string{"12:00 the 4", "12:01 the 3", "12:01 wheel 2", "12:03 tomorrow 1"})
}

// TestSeparateModule builds the program in a module of its own that only requires this one, as its users do.
func TestSeparateModule(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := t.TempDir()
	put := func(name string, content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
	get := func(path string) []byte {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		return content
	}
	put("main.go", get("main.go"))
	put("sample.log", get("sample.log"))
	put("go.sum", get(filepath.Join(root, "go.sum")))
	// The versions of what this module needs are copied, so that nothing has to be looked up.
	requires := bytes.TrimPrefix(get(filepath.Join(root, "go.mod")), []byte("module github.com/millrace/millrace\n"))
	put("go.mod", fmt.Appendf(nil, "module example.com/wordcount\n%s\nrequire github.com/millrace/millrace v0.0.0\n\nreplace github.com/millrace/millrace => %s\n", requires, root))
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		require.NoError(t, err, errs.String())
		return string(out)
	}
	run("go", "build", "-o", "wordcount", ".")
	require.Contains(t, run("./wordcount", "sample.log"), "12:00 the 4\n")
}
