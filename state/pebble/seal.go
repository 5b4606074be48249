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

// The seal is a file that Close leaves and Open takes away. It holds the manifest's name, length and checksum, so that damage at the manifest's end is told
// from a write that a crash cut short: after a clean close there was none. A store without a seal was not closed, which is no error.
const (
	sealFile   = "SEAL"
	sealTemp   = "SEAL.tmp"
	sealFormat = "millrace seal 1 %s %d %08x\n"
)

func seal(manifest string, content []byte) string {
	return fmt.Sprintf(sealFormat, manifest, len(content), crc32.Checksum(content, castagnoli))
}

// writeSeal seals the closed database in dir.
func writeSeal(fs vfs.FS, dir string) error {
	desc, err := pebble.Peek(dir, fs)
	if err != nil {
		return fmt.Errorf("pebble: seal %s: %w", dir, err)
	}
	name := fs.PathBase(desc.ManifestFilename)
	content, err := readFile(fs, fs.PathJoin(dir, name))
	if err != nil {
		return fmt.Errorf("pebble: seal %s: %w", dir, err)
	}
	temp := fs.PathJoin(dir, sealTemp)
	f, err := fs.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("pebble: seal %s: %w", dir, err)
	}
	_, err = f.Write([]byte(seal(name, content)))
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

// takeSeal reports whether there was a seal, compares it with the manifest and removes it durably, since the manifest is about to change.
func takeSeal(fs vfs.FS, dir, manifest string, content []byte) (bool, error) {
	path := fs.PathJoin(dir, sealFile)
	got, err := readFile(fs, path)
	if errors.Is(err, iofs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("pebble: open %s: %w", dir, err)
	}
	if want := seal(manifest, content); string(got) != want {
		return true, fmt.Errorf("pebble: %w: %s: it was closed with %q in %s and now is %q",
			state.ErrCorrupt, fs.PathJoin(dir, manifest), got, sealFile, want)
	}
	if err := fs.Remove(path); err != nil {
		return true, fmt.Errorf("pebble: open %s: %w", dir, err)
	}
	if err := syncDir(fs, dir); err != nil {
		return true, fmt.Errorf("pebble: open %s: %w", dir, err)
	}
	return true, nil
}
