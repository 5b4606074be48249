package file_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink/print"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

type reading struct {
	Sensor string  `json:"sensor"`
	Value  float64 `json:"value"`
	At     int64   `json:"at"` // milliseconds
}

func (r reading) time() time.Time { return time.UnixMilli(r.At) }

// Each line is a JSON value; each file is a split.
func ExampleJSONLines() {
	dir, err := os.MkdirTemp("", "readings-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "readings.jsonl")
	content := `{"sensor":"a","value":1.5,"at":1000}` + "\n" + `{"sensor":"b","value":2.5,"at":2000}` + "\n"
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		fmt.Println(err)
		return
	}

	job := stream.NewJob("readings", stream.Logger(slog.New(slog.DiscardHandler)))
	readings := stream.From(job, "readings", file.JSONLines(codec.JSON[reading](1), path), watermark.Monotonous(reading.time))
	stream.To(readings, "out", print.Values[reading]())
	if err := job.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {Sensor:a Value:1.5 At:1000}
	// {Sensor:b Value:2.5 At:2000}
}
