package files

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/local"
)

// Places gives the files of a place that a catalog records.
type Places func(ctx context.Context, place string) (fs.FS, error)

// Directories takes places as directories of this machine.
func Directories(_ context.Context, place string) (fs.FS, error) { return os.DirFS(place), nil }

// Catalog is a local.Catalog whose rows can be read; it is a version.Catalog and a version.Reader.
type Catalog struct {
	*local.Catalog
	places Places
}

// Open is the catalog of a result in the JSON file at path; see local.Open.
func Open(path, result string, places Places, options ...local.Option) *Catalog {
	return &Catalog{local.Open(path, result, options...), places}
}

// Rows implements version.Reader.
func (c *Catalog) Rows(ctx context.Context, name, table string) (version.Rows, error) {
	place, fsys, err := c.files(ctx, name, table)
	if err != nil {
		return version.Rows{}, err
	}
	rows, err := Rows(ctx, fsys)
	if err != nil {
		return rows, fmt.Errorf("version %s of %s at %s: %w", name, table, place, err)
	}
	return rows, nil
}

// Count implements version.Reader. It reads the rows: those that superseded others of their key do not count.
func (c *Catalog) Count(ctx context.Context, name, table string) (n int64, err error) {
	rows, err := c.Rows(ctx, name, table)
	if err != nil {
		return 0, err
	}
	for _, err := range rows.All {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func (c *Catalog) files(ctx context.Context, name, table string) (place string, fsys fs.FS, err error) {
	list, err := c.List(ctx)
	if err != nil {
		return "", nil, err
	}
	if place, err = list.Place(name, table); err != nil {
		return "", nil, err
	}
	fsys, err = c.places(ctx, place)
	return place, fsys, err
}
