package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// sums remembers the checksums of files that do not change, so that a table is read once and not for each image it is in.
type sums map[sumKey]string

type sumKey struct {
	name     string
	size     int64
	modified time.Time
}

// files lists an image's files with their checksums, and forgets those that are not in it.
func (s sums) files(ctx context.Context, dir string) ([]File, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	seen := map[sumKey]bool{}
	files := make([]File, 0, len(names))
	for _, n := range names {
		info, err := n.Info()
		if err != nil {
			return nil, err
		}
		key := sumKey{n.Name(), info.Size(), info.ModTime()}
		seen[key] = true
		sum, known := s[key]
		if !known {
			if sum, err = sumFile(ctx, filepath.Join(dir, n.Name())); err != nil {
				return nil, err
			}
			s[key] = sum
		}
		files = append(files, File{n.Name(), info.Size(), sum})
	}
	for key := range s {
		if !seen[key] {
			delete(s, key)
		}
	}
	return files, nil
}

func sumFile(ctx context.Context, path string) (sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.CopyBuffer(h, bounded{ctx, f}, make([]byte, copyBytes)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
