package version

import (
	"context"
	"fmt"
	"strings"
)

// Catalog knows the versions of one result. It is safe for concurrent use, by several processes too: each method is one atomic step of its own, which a
// crash leaves done or not done.
type Catalog interface {
	// List tells all there is to know, as of one moment.
	List(ctx context.Context) (Listing, error)
	// Create adds a version and returns it with its times. The error wraps ErrExists when the name is in use, and ErrTaken when one of its places is.
	// Readers do not see the version before a Switch.
	Create(ctx context.Context, v Version) (Version, error)
	// Update replaces the facts of the version that has v's Name and Created: definition, job, group, log and whether it is caught up. Its tables stay. The
	// error wraps ErrUnknown when that version was dropped or replaced, so that a job that reports to it learns that it should end.
	Update(ctx context.Context, v Version) error
	// Switch makes readers see version to instead of from, "" being none: all tables of the result in one step. The version from is remembered as the
	// one to go back to. The error wraps ErrChanged when readers do not see from, ErrUnknown when there is no version to, ErrTaken when
	// something that is not the catalog's stands under a reader's name, and ErrBusy when readers do not let go. Switching from a version to itself makes again what
	// readers use, and remembers nothing.
	Switch(ctx context.Context, from, to string) error
	// Drop removes the version and its rows. The error wraps ErrUnknown, or ErrCurrent when readers see it.
	Drop(ctx context.Context, name string) error
	// Close gives back what the catalog holds.
	Close() error
}

// Listing is what a catalog knows at one moment.
type Listing struct {
	Versions []Version // in the order in which they were created
	Current  string    // what readers see; "" before the first switch
	Previous string    // what readers saw before; "" when there was nothing, or it was dropped
}

// Version is the one of a name.
func (l Listing) Version(name string) (v Version, ok bool) {
	for _, v := range l.Versions {
		if v.Name == name {
			return v, true
		}
	}
	return Version{}, false
}

// Place is where the rows are that a reader's name stands for in a version. The error wraps ErrUnknown.
func (l Listing) Place(name, reader string) (string, error) {
	v, ok := l.Version(name)
	if !ok {
		return "", fmt.Errorf("version %s: %w", name, ErrUnknown)
	}
	place, ok := v.Tables[reader]
	if !ok {
		return "", fmt.Errorf("version %s has the tables %s, not %s: %w", name, strings.Join(v.Readers(), ", "), reader, ErrUnknown)
	}
	return place, nil
}

// Replacer is a Catalog that can put one version in the place of another.
type Replacer interface {
	// Replace gives version name the rows and the facts of version staged, in one step, and staged is gone: what a replay in place has filled takes over
	// whole, and no row of the old definition stays. If readers see name, they see the new rows with that step. Where the rows are afterwards, List tells;
	// Created is new, so the old version's job learns that it should end. The job of staged must have ended before. Errors are those of Switch; staged may
	// not be what readers see (ErrCurrent).
	Replace(ctx context.Context, name, staged string) error
}

// Reader is a Catalog whose rows can be read.
type Reader interface {
	// Rows reads a reader's table of a version, as of one moment. The error wraps ErrUnknown when there is no such version or table.
	Rows(ctx context.Context, name, table string) (Rows, error)
	// Count is how many rows it has.
	Count(ctx context.Context, name, table string) (int64, error)
}
