package checkpoint

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// orphanAge is for how long a file of another lineage stays without a manifest that names it: its writer may be about to write one. It is counted from the youngest
// file of the place, so that only the storage's clock matters.
const orphanAge = 24 * time.Hour

// Removed counts what a removal took away.
type Removed struct {
	Checkpoints, Files int
	Bytes              int64
}

// sweeping says what goes.
type sweeping struct {
	remove  func(number int64) bool
	lineage string                      // whose unnamed files go at once; empty for none
	mine    func(context.Context) error // asked before each removal of a file; nil for nobody
}

// sweep removes manifests, then files that none of the others names.
func (a *Archive) sweep(ctx context.Context, s sweeping) (Removed, error) {
	var r Removed
	files, youngest, err := a.files(ctx) // before the manifests: what is written from now on is not looked at
	if err != nil {
		return r, err
	}
	list, err := a.List(ctx)
	if err != nil {
		return r, err
	}
	gone := map[string]bool{} // named by a removed manifest
	needed := map[string]bool{}
	for _, l := range list {
		if !s.remove(l.Number) {
			if l.Err != nil {
				return r, fmt.Errorf("nothing is removed while checkpoint %d cannot be read: %w", l.Number, l.Err)
			}
			for _, f := range l.Manifest.Files {
				needed[l.Manifest.stored(f)] = true
			}
		} else if l.Manifest != nil {
			for _, f := range l.Manifest.Files {
				gone[l.Manifest.stored(f)] = true
			}
		}
	}
	for _, l := range list {
		if !s.remove(l.Number) {
			continue
		}
		if err := a.removeFile(ctx, s, manifestName(l.Number)); err != nil {
			return r, err
		}
		r.Checkpoints++
	}
	for _, f := range files {
		own := s.lineage != "" && strings.HasPrefix(f.Name, storedName(s.lineage, ""))
		old := youngest.Sub(f.Modified) > orphanAge
		if needed[f.Name] || !own && !gone[f.Name] && !old {
			continue
		}
		if err := a.removeFile(ctx, s, f.Name); err != nil {
			return r, err
		}
		r.Files++
		r.Bytes += f.Size
	}
	return r, nil
}

func (a *Archive) files(ctx context.Context) (files []Entry, youngest time.Time, err error) {
	err = a.storage.List(ctx, filesDir, func(e Entry) {
		files = append(files, e)
		if e.Modified.After(youngest) {
			youngest = e.Modified
		}
	})
	if err != nil {
		err = fmt.Errorf("files in %s: %w", a.storage, err)
	}
	return files, youngest, err
}

func (a *Archive) removeFile(ctx context.Context, s sweeping, name string) error {
	if s.mine != nil {
		if err := s.mine(ctx); err != nil {
			return err
		}
	}
	if err := a.storage.Remove(ctx, name); err != nil {
		return fmt.Errorf("remove %s/%s: %w", a.storage, name, err)
	}
	return nil
}
