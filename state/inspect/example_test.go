package inspect_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/state/inspect"
)

// A user's state is deleted from a savepoint: what would change is printed, then the edited state is written as another savepoint.
func ExampleEdit() {
	to, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(to) }()
	if err := forget("../savepoint/testdata/format1", filepath.Join(to, "edited"), "u00000"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// analytics: u00000 had a session open, and has a state afterwards: false
	// job sessions: 5 keys (analytics 5), 3 splits, 5 files
}

func forget(savepoint, edited, user string) error {
	dir, err := inspect.Open(savepoint)
	if err != nil {
		return err
	}
	defer dir.Close()
	edit, err := inspect.NewEdit(dir, nil, nil)
	if err != nil {
		return err
	}
	err = edit.Do(inspect.Step{Do: inspect.Delete, Operator: "analytics", Key: user})
	if err != nil {
		return err
	}
	changes, err := edit.Changes()
	if err != nil {
		return err
	}
	for _, c := range changes {
		fmt.Printf("%s: %s had a session open, and has a state afterwards: %v\n", c.Operator, c.Key, c.After != nil)
	}
	manifest, err := edit.Save(edited, "the user asked to be forgotten", time.Now())
	if err == nil {
		fmt.Printf("job %s: %d keys (analytics %d), %d splits, %d files\n", manifest.Job, manifest.Keys(), manifest.Operator("analytics").Keys, len(manifest.Splits), len(manifest.Files))
	}
	return err
}
