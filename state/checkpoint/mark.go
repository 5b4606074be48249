package checkpoint

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/internal/disk"
	"github.com/millrace/millrace/state"
)

// markName is the file that says whose a place is.
const markName = "archive.json"

type mark struct {
	Format int    `json:"format"`
	Job    string `json:"job"`
	Writer string `json:"writer"` // the Keeper that may add and remove
}

// readMark returns nil where there is none.
func (a *Archive) readMark(ctx context.Context) (m *mark, tag string, err error) {
	var b []byte
	err = retry(ctx, func() (err error) { b, tag, err = a.storage.Get(ctx, markName); return err })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s/%s: %w", a.storage, markName, err)
	}
	m = &mark{}
	if err := json.Unmarshal(b, m); err != nil || m.Format == 0 || m.Job == "" {
		return nil, "", fmt.Errorf("%w: %s/%s cannot be read (%.80q): choose another place", state.ErrCorrupt, a.storage, markName, b)
	}
	if m.Format != Format {
		return nil, "", fmt.Errorf("%w: %s/%s says %d, this program writes %d: choose another place", ErrFormat, a.storage, markName, m.Format, Format)
	}
	return m, tag, nil
}

// claim makes the place the Keeper's, once. Of two that race, the later one stays.
func (k *Keeper) claim(ctx context.Context, job string) error {
	if k.claimed {
		return k.mine(ctx)
	}
	for range tries {
		there, tag, err := k.archive.readMark(ctx)
		if err != nil {
			return err
		}
		if there != nil && there.Job != job {
			return fmt.Errorf("%w: %s holds the checkpoints of job %q, this is %q: give each job a place of its own", ErrForeign, k, there.Job, job)
		}
		b, err := json.Marshal(mark{Format, job, k.writer})
		if err != nil {
			return err
		}
		err = k.archive.storage.Put(ctx, markName, append(b, '\n'), tag)
		if err == nil {
			k.claimed = true
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("claim %s: %w", k, err)
		}
	}
	return fmt.Errorf("claim %s: other writers claim it again and again", k)
}

// mine says whether the place is still this Keeper's.
func (k *Keeper) mine(ctx context.Context) error {
	there, _, err := k.archive.readMark(ctx)
	if err != nil {
		return err
	}
	if there == nil || there.Writer != k.writer {
		return fmt.Errorf("%w: %s: let one process run this job, or give each a place of its own; start this one again to take the place back", ErrTaken, k)
	}
	return nil
}

func randomName() string { return strings.ToLower(rand.Text()[:16]) }

// lineageFile names, in a state directory, the lineage of its files in the place. It is no part of an image: a directory made of one begins its own.
const lineageFile = "LINEAGE"

func lineageOf(stateDir string) (string, error) {
	path := filepath.Join(stateDir, lineageFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		name := randomName()
		return name, disk.Replace(path, []byte(name+"\n"))
	}
	name := strings.TrimSpace(string(b))
	if err == nil && !plain(name) {
		err = fmt.Errorf("%s says %.80q, which is no name: remove the file", path, b)
	}
	return name, err
}

// freshDir makes an empty directory where an image that was cut short may have left files.
func freshDir(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Mkdir(dir, 0o755)
}
