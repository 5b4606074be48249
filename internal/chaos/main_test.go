//go:build integration

package chaos

import (
	"fmt"
	"os"
	"testing"
)

// asJob is the environment variable that makes the test binary be the job, as its value describes it.
const asJob = "MILLRACE_CHAOS_JOB"

func TestMain(m *testing.M) {
	if spec := os.Getenv(asJob); spec != "" {
		if err := runJob(spec); err != nil {
			fmt.Fprintln(os.Stderr, "job:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
