package parquet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/parquet"
	"github.com/millrace/millrace/sink/table"
)

// What the engine does with a directory: rows, a checkpoint, and the commit that shows a file.
func ExampleDir() {
	type Count struct {
		Word string
		N    int64
	}
	columns := table.Of(
		table.Key(table.Text("word", func(c Count) string { return c.Word })),
		table.Int("n", func(c Count) int64 { return c.N }),
	)
	root, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(root)

	ctx := context.Background()
	counts := parquet.Dir(root, columns, file.Below("counts/v1"))
	w, err := counts.Open(ctx, sink.Env{Job: "words", Operator: "counts", Subtasks: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = w.Write(ctx, []sink.Row[Count]{{Value: Count{"mill", 2}}, {Value: Count{"race", 1}}})
	pending, _ := w.(sink.Committer).Prepare(ctx, 1, true)
	_ = w.(sink.Committer).Commit(ctx, pending)
	_ = w.Close()

	names, _ := filepath.Glob(filepath.Join(root, "counts", "v1", "[_p]*"))
	for _, name := range names {
		fmt.Println(filepath.Base(name))
	}
	// Output:
	// _SUCCESS
	// _millrace.json
	// part-00000-0000000001.parquet
}
