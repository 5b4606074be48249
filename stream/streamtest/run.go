package streamtest

import (
	"context"
	"testing"

	"github.com/millrace/millrace/stream"
)

// Run runs a job to the end of its input, and fails the test if the job fails. The job's sources are bounded, as those of package source/memory are. With a
// Clock in its options it takes no time and waits for none; delays of restarts and retries then last until another goroutine advances the Clock.
func Run(t testing.TB, job *stream.Job) {
	if t == nil {
		if err := job.Run(context.Background()); err != nil {
			panic("streamtest: " + err.Error())
		}
		return
	}
	t.Helper()
	if err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := t.Context().Err(); err != nil {
		t.Fatalf("the job was stopped before its end: %v", err)
	}
}
