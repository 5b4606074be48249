package pebble

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Tables are cut here, so that later compactions rewrite a part and not the whole.
const ingestTableBytes = 32 << 20

// ingest writes the sorted writes as tables, synced, in a directory of their own, and links them into the database in one step. Pebble orders the
// step among the other commits: reads that start after it see all of it, and what a memtable still holds of these keys is older.
func (s *store) ingest(writes *sortedBatch) error {
	dir := s.fs.PathJoin(s.dir, ingestDir, strconv.FormatInt(s.ingests.Add(1), 10))
	if err := s.fs.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	paths, err := s.writeTables(dir, writes)
	if err == nil {
		_, err = s.db.IngestWithStats(context.Background(), paths)
	}
	if err != nil {
		return errors.Join(describe(s.dir, err), s.fs.RemoveAll(dir))
	}
	// What is left of the directory is cleared by the next open; the commit is done.
	if err := s.fs.RemoveAll(dir); err != nil && s.failure.err() == nil {
		s.failure.log.Warn("tables of a finished commit cannot be removed", "directory", dir, "error", err)
	}
	return nil
}

// writeTables returns the paths of the tables, which do not overlap.
func (s *store) writeTables(dir string, writes *sortedBatch) ([]string, error) {
	var paths []string
	for at := 0; at < writes.len(); {
		path := s.fs.PathJoin(dir, strconv.Itoa(len(paths))+".sst")
		n, err := s.writeTable(path, writes, at)
		if err != nil {
			return nil, fmt.Errorf("write table %s: %w", path, err)
		}
		paths = append(paths, path)
		at += n
	}
	return paths, nil
}

// writeTable writes a part of writes that starts at from to a table at path and returns how many it took.
func (s *store) writeTable(path string, writes *sortedBatch, from int) (n int, err error) {
	f, err := s.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return 0, err
	}
	// Options of the top level: in a table for the last one the writer takes deletions for obsolete, since nothing lies below.
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f), s.opts.MakeWriterOptions(0, formatVersion.MaxTableFormat()))
	defer func() { err = errors.Join(err, w.Close()) }() // Close finishes the table and syncs it
	size := 0
	var turn turn
	for from+n < writes.len() && size < ingestTableBytes {
		e := writes.at(from + n)
		if e.del {
			err = w.Delete(e.key)
		} else {
			err = w.Set(e.key, e.value)
		}
		if err != nil {
			return n, err
		}
		size += len(e.key) + len(e.value)
		n++
		turn.step()
	}
	return n, nil
}
