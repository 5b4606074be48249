package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Archive is a place with checkpoints, for those who look at it. It is safe for concurrent use and holds nothing open.
type Archive struct{ storage Storage }

// Open looks at a place. Nothing is read yet.
func Open(s Storage) *Archive { return &Archive{s} }

// Listed is a checkpoint of a place. Err says why its manifest cannot be read; then only the number is known.
type Listed struct {
	Number   int64
	Manifest *Manifest
	Err      error
}

// List lists the checkpoints, the oldest first.
func (a *Archive) List(ctx context.Context) ([]Listed, error) {
	numbers, err := a.numbers(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Listed, len(numbers))
	for i, n := range numbers {
		list[i].Number = n
		list[i].Manifest, list[i].Err = a.Manifest(ctx, n)
	}
	return list, nil
}

func (a *Archive) numbers(ctx context.Context) ([]int64, error) {
	var numbers []int64
	err := a.storage.List(ctx, checkpointsDir, func(e Entry) {
		if n, ok := parseManifestName(e.Name); ok {
			numbers = append(numbers, n)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("checkpoints in %s: %w", a.storage, err)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// Latest is the number of the newest checkpoint; without any the error wraps ErrNone.
func (a *Archive) Latest(ctx context.Context) (int64, error) {
	numbers, err := a.numbers(ctx)
	if err != nil {
		return 0, err
	}
	if len(numbers) == 0 {
		return 0, fmt.Errorf("%w: %s has no checkpoints", ErrNone, a.storage)
	}
	return numbers[len(numbers)-1], nil
}

// Manifest reads what a checkpoint holds, and checks the manifest's own checksum.
func (a *Archive) Manifest(ctx context.Context, number int64) (*Manifest, error) {
	name := manifestName(number)
	b, _, err := a.storage.Get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no %s", ErrNone, a.storage, name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", a.storage, name, err)
	}
	m, err := decodeManifest(b)
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", a.storage, name, err)
	}
	if m.Number != number {
		return nil, fmt.Errorf("%s/%s: %w: it is the manifest of checkpoint %d under another name", a.storage, name, ErrForeign, m.Number)
	}
	return m, nil
}

// Remove takes checkpoints away, and then the files that no other one needs. It is for a place whose writer does not run: a running one removes by itself. While another
// manifest cannot be read the files stay; remove that one as well. It returns the number of files and bytes that went.
func (a *Archive) Remove(ctx context.Context, numbers ...int64) (Removed, error) {
	there, err := a.numbers(ctx)
	if err != nil {
		return Removed{}, err
	}
	for _, n := range numbers {
		if !slices.Contains(there, n) {
			return Removed{}, fmt.Errorf("%w: %s has no checkpoint %d", ErrNone, a.storage, n)
		}
	}
	return a.sweep(ctx, sweeping{remove: func(n int64) bool { return slices.Contains(numbers, n) }})
}
