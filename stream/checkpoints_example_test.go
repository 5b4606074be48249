package stream_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/stream"
)

// A job that keeps its state on another disk as well.
func ExampleCheckpoints() {
	place := checkpoint.Directory("/mnt/backup/sessions")
	keeper := checkpoint.NewKeeper(place, checkpoint.Every(10*time.Minute), checkpoint.Keep(5))
	job := stream.NewJob("sessions", stream.StateDir("state"), stream.Checkpoints(keeper))
	fmt.Println(keeper, job.Status().Images.Taken)
	// Output: /mnt/backup/sessions 0
}
