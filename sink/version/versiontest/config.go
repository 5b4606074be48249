package versiontest

import (
	"testing"

	"github.com/millrace/millrace/sink/version"
)

// Record is the row the kit writes. ID and Seq are its key.
type Record struct {
	ID   string
	Seq  int64
	Text string
}

// The kit's result has two tables.
const (
	First  = "first"
	Second = "second"
)

// Features is what the catalog can do.
type Features struct {
	// Readers: what readers use follows a switch, and Target.Read shows it.
	Readers bool
	// Rows: the catalog is a version.Reader.
	Rows bool
	// Replaces: the catalog is a version.Replacer.
	Replaces bool
	// Drops: Drop removes the rows. Without it only the entry goes.
	Drops bool
}

// Config describes a catalog to the kit.
type Config struct {
	// New makes an empty destination that no other test uses. It is called once per test.
	New      func(t *testing.T) Target
	Features Features
}

// Target is one destination of the result with the tables First and Second.
type Target struct {
	// Open opens a catalog, as another process would. The kit closes it.
	Open func(t testing.TB) version.Catalog
	// Place is where a table of a version is; readers' names may differ from First and Second by a prefix or suffix that Reader adds.
	Place func(table, version string) string
	// Reader is the reader's name of a table.
	Reader func(table string) string
	// Fill makes the place, which is not there, with the rows. It may be nil where nothing has to be there.
	Fill func(t testing.TB, place string, rows []Record)
	// Read is what a reader of the table sees now, in any order. It may be called from any goroutine. For catalogs with Readers.
	Read func(t testing.TB, table string) ([]Record, error)
	// Occupy puts a table of the user's own, with one row, under the reader's name, and Occupied tells whether it is as it was. They may be nil where
	// nothing of the user's can be there.
	Occupy   func(t testing.TB, table string)
	Occupied func(t testing.TB, table string) bool
}

// Run tries everything that the features promise, as subtests.
func Run(t *testing.T, c Config) {
	for _, test := range []struct {
		name string
		run  func(*scene)
		when bool
	}{
		{"facts", facts, true},
		{"names", names, true},
		{"places", places, true},
		{"update", update, true},
		{"switch", switches, true},
		{"switching to itself", again, true},
		{"drop", drop, true},
		{"race of switches", race, true},
		{"race of creates", createRace, true},
		{"readers follow", follow, c.Features.Readers},
		{"no reader sees a mixture", mixture, c.Features.Readers},
		{"dropped rows are gone", dropped, c.Features.Drops},
		{"replace", replace, c.Features.Replaces},
		{"replace is refused", replaceRefused, c.Features.Replaces},
		{"rows", rows, c.Features.Rows},
		{"foreign table", foreign, c.Features.Readers},
	} {
		if test.when {
			t.Run(test.name, func(t *testing.T) { test.run(newScene(t, c)) })
		}
	}
}
