package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/table"
)

// What the engine does with a file: rows, a checkpoint, and the commit that shows them.
func ExampleCSV() {
	type Count struct {
		Word string
		N    int64
	}
	columns := table.Of(
		table.Text("word", func(c Count) string { return c.Word }),
		table.Int("n", func(c Count) int64 { return c.N }),
	)
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "counts.csv")

	ctx := context.Background()
	w, _ := file.CSV(path, columns).Open(ctx, sink.Env{})
	_ = w.Write(ctx, []sink.Row[Count]{{Value: Count{"mill", 2}}, {Value: Count{"race, the", 1}}})
	pending, _ := w.(sink.Committer).Prepare(ctx, 1, true)
	_ = w.(sink.Committer).Commit(ctx, pending)
	_ = w.Close()

	result, _ := os.ReadFile(path)
	fmt.Print(string(result))
	// Output:
	// word,n
	// mill,2
	// "race, the",1
}
