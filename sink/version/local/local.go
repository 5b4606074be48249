// Package local keeps the versions of a result in a JSON file, for results whose places no database knows: files, directories, topics.
//
// Readers that want the current version ask the file: nothing else moves when it is switched. The file is replaced as a whole and synced, so a crash leaves the
// old one or the new one; processes take turns by a lock on a file beside it.
package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/internal/disk"
	"github.com/millrace/millrace/sink/version"
)

// Catalog is a version.Catalog in a file. It holds nothing open between calls.
type Catalog struct {
	path, result string
	remove       func(ctx context.Context, place string) error
}

// Option changes a default of Open.
type Option func(*Catalog)

// Remove is how Drop removes the rows in a place. By default they stay, and only the entry goes.
func Remove(f func(ctx context.Context, place string) error) Option {
	return func(c *Catalog) { c.remove = f }
}

// Open is the catalog of a result in the file at path, which may hold several results. The file and its directory are made by the first change.
func Open(path, result string, opts ...Option) *Catalog {
	c := &Catalog{path: path, result: result, remove: func(context.Context, string) error { return nil }}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// lockWait is how long a change waits for others.
const lockWait = 10 * time.Second

// format is what the file says of itself.
const format = "millrace-versions/1"

type contents struct {
	Format  string             `json:"format"`
	Results map[string]listing `json:"results"`
}

type listing struct {
	Current  string            `json:"current"`
	Previous string            `json:"previous"`
	Versions []version.Version `json:"versions"`
}

// load reads the file; a missing one has no results.
func (c *Catalog) load() (contents, error) {
	all := contents{Format: format, Results: map[string]listing{}}
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	var found contents
	if err := json.Unmarshal(text, &found); err != nil {
		return all, fmt.Errorf("%s is not a file of versions: %w", c.path, err)
	}
	if found.Format != format {
		return all, fmt.Errorf("%s has the format %q, known is %q: give the versions another file", c.path, found.Format, format)
	}
	if found.Results != nil {
		all = found
	}
	return all, nil
}

// store replaces the file.
func (c *Catalog) store(all contents) error {
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return disk.Replace(c.path, append(text, '\n'))
}

// change loads, changes and stores in one turn; done is called when the file says so.
func (c *Catalog) change(ctx context.Context, f func(*version.Listing, []string) error) error {
	if err := os.MkdirAll(filepath.Dir(c.path), 0o755); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeoutCause(ctx, lockWait, fmt.Errorf("%w: another process is changing it", version.ErrBusy))
	defer cancel()
	lock, err := disk.Lock(waiting, c.path+".lock")
	if err != nil {
		return fmt.Errorf("%s: %w", c.path, err)
	}
	defer lock.Close()
	all, err := c.load()
	if err != nil {
		return err
	}
	var taken []string
	for name, other := range all.Results {
		if name == c.result {
			continue
		}
		for _, v := range other.Versions {
			for _, place := range v.Tables {
				taken = append(taken, place)
			}
		}
	}
	mine := all.Results[c.result]
	l := version.Listing{Versions: mine.Versions, Current: mine.Current, Previous: mine.Previous}
	if err := f(&l, taken); err != nil {
		return err
	}
	all.Results[c.result] = listing{l.Current, l.Previous, l.Versions}
	return c.store(all)
}

// List implements version.Catalog.
func (c *Catalog) List(context.Context) (version.Listing, error) {
	all, err := c.load()
	mine := all.Results[c.result]
	return version.Listing{Versions: mine.Versions, Current: mine.Current, Previous: mine.Previous}, err
}

// Create implements version.Catalog.
func (c *Catalog) Create(ctx context.Context, v version.Version) (created version.Version, err error) {
	err = c.change(ctx, func(l *version.Listing, taken []string) (err error) {
		created, err = l.Add(v, time.Now(), taken...)
		return err
	})
	return created, err
}

// Update implements version.Catalog.
func (c *Catalog) Update(ctx context.Context, v version.Version) error {
	return c.change(ctx, func(l *version.Listing, _ []string) error { return l.Set(v, time.Now()) })
}

// Switch implements version.Catalog.
func (c *Catalog) Switch(ctx context.Context, from, to string) error {
	return c.change(ctx, func(l *version.Listing, _ []string) error { return l.Move(from, to) })
}

// Drop implements version.Catalog. Rows go after the entry: a crash in between leaves rows that nobody speaks of.
func (c *Catalog) Drop(ctx context.Context, name string) error {
	var dropped version.Version
	err := c.change(ctx, func(l *version.Listing, _ []string) (err error) {
		dropped, err = l.Remove(name)
		return err
	})
	if err != nil {
		return err
	}
	for _, reader := range dropped.Readers() {
		err = errors.Join(err, c.remove(ctx, dropped.Tables[reader]))
	}
	return err
}

// Close implements version.Catalog.
func (c *Catalog) Close() error { return nil }
