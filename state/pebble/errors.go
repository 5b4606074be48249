package pebble

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/state"
)

// describe adds to an error of Pebble's that reports damage the sentinel for it and the file's name.
func describe(dir string, err error) error {
	if err == nil || errors.Is(err, state.ErrCorrupt) || !isDamage(err) {
		return err
	}
	file := dir
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
		file = info.Path
	}
	return fmt.Errorf("%w: %s: %w", state.ErrCorrupt, file, err)
}

func isDamage(err error) bool {
	return pebble.IsCorruptionError(err) ||
		// Pebble does not mark this one: a table's length differs from what the manifest says.
		strings.Contains(err.Error(), "object size mismatch")
}

// describeOpen is describe for what Open returns, where a file that the manifest names and that is not there is damage as well.
func describeOpen(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, state.ErrCorrupt) {
		return fmt.Errorf("pebble: open: %w: %s: a file of the store is missing: %w", state.ErrCorrupt, dir, err)
	}
	return fmt.Errorf("pebble: open %s: %w", dir, describe(dir, err))
}

func joinClose(err error, c io.Closer) error {
	if cerr := c.Close(); cerr != nil {
		return errors.Join(err, cerr)
	}
	return err
}
