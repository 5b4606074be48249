package streamvet_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/millrace/millrace/stream/streamvet"
)

func TestFindings(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), streamvet.Analyzer, "jobs")
}

// The examples' functions are deterministic, by the real package stream.
func TestExamples(t *testing.T) {
	cmd := exec.Command("go", "run", "./stream/streamvet/cmd/streamvet", "./examples/...")
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
