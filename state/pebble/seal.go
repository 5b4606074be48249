package pebble

import (
	"errors"
	"fmt"
	"hash/crc32"
	iofs "io/fs"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/state"
)

// The seal is a file that Close leaves and Open takes away. It holds names, lengths and checksums of the manifest and of the options file, so that damage
// at the manifest's end is told from a write that a crash cut short: after a clean close there was none. A store without a seal was not closed, which is no error.
const (
	sealFile = "SEAL"
	sealTemp = "SEAL.tmp"
)

// seal returns what the seal of the database in dir says now.
func seal(fs vfs.FS, dir string, desc *pebble.DBDesc) (string, error) {
	text := "millrace seal 1"
	for _, path := range []string{desc.ManifestFilename, desc.OptionsFilename} {
		name := fs.PathBase(path)
		content, err := readFile(fs, fs.PathJoin(dir, name))
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf(" %s %d %08x", name, len(content), crc32.Checksum(content, castagnoli))
	}
	return text, nil
}

// writeSeal seals the closed database in dir.
func writeSeal(fs vfs.FS, dir string) error {
	desc, err := pebble.Peek(dir, fs)
	if err != nil {
		return fmt.Errorf("pebble: seal %s: %w", dir, err)
	}
	text, err := seal(fs, dir, desc)
	if err != nil {
		return fmt.Errorf("pebble: seal %s: %w", dir, err)
	}
	temp := fs.PathJoin(dir, sealTemp)
	f, err := fs.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("pebble: seal %s: %w", dir, err)
	}
	_, err = f.Write([]byte(text))
	if err == nil {
		err = f.Sync()
	}
	if err = joinClose(err, f); err == nil {
		err = fs.Rename(temp, fs.PathJoin(dir, sealFile))
	}
	if err == nil {
		err = syncDir(fs, dir)
	}
	if err != nil {
		return fmt.Errorf("pebble: seal %s: %w", dir, err)
	}
	return nil
}

// takeSeal reports whether there was a seal, compares it with the files and removes it durably, since they are about to change.
func takeSeal(fs vfs.FS, dir string, desc *pebble.DBDesc) (bool, error) {
	path := fs.PathJoin(dir, sealFile)
	closed, err := readFile(fs, path)
	if errors.Is(err, iofs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("pebble: open %s: %w", dir, err)
	}
	now, err := seal(fs, dir, desc)
	if err != nil {
		return true, describeOpen(dir, err)
	}
	if now != string(closed) {
		return true, fmt.Errorf("pebble: open: %w: %s: files changed since the store was closed: %q then, %q now", state.ErrCorrupt, path, closed, now)
	}
	if err := fs.Remove(path); err != nil {
		return true, fmt.Errorf("pebble: open %s: %w", dir, err)
	}
	if err := syncDir(fs, dir); err != nil {
		return true, fmt.Errorf("pebble: open %s: %w", dir, err)
	}
	return true, nil
}
