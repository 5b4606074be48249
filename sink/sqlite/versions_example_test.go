package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/sink/sqlite"
	"github.com/millrace/millrace/sink/version"
)

// Readers of the view rows see version v1, and after the switch v2.
func ExampleVersions() {
	dir, err := os.MkdirTemp("", "versions")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path, ctx := filepath.Join(dir, "result.db"), context.Background()
	catalog, err := sqlite.Versions(path, "rows")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer catalog.Close()
	current := ""
	for _, name := range []string{"v1", "v2"} {
		// A job would write the table; opening its sink makes it.
		w, err := sqlite.Upsert(path, "rows_"+name, sinktest.Columns).Open(ctx, sink.Env{})
		if err != nil {
			fmt.Println(err)
			return
		}
		w.Close()
		if _, err := catalog.Create(ctx, version.Version{Name: name, Tables: map[string]string{"rows": "rows_" + name}}); err != nil {
			fmt.Println(err)
			return
		}
		if err := catalog.Switch(ctx, current, name); err != nil {
			fmt.Println(err)
			return
		}
		list, err := catalog.List(ctx)
		fmt.Println("readers see", list.Current, err)
		current = name
	}
	// Output:
	// readers see v1 <nil>
	// readers see v2 <nil>
}
