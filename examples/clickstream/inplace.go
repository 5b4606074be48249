package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/state"
)

// stagedSuffix makes the name of the version whose rows are to replace another's.
const stagedSuffix = "_next"

// replaceInPlace replays into a version beside the one that is named, and lets it take that one's place when it is complete. Each step can be repeated: killed
// anywhere, the same command goes on.
func (p *program) replaceInPlace(ctx context.Context, o replayOptions) (err error) {
	old, err := o.resolve(p)
	if err != nil {
		return err
	}
	catalog, err := old.sessions.Catalog(p.data)
	if err != nil {
		return err
	}
	defer closing(catalog, &err)
	replacer, ok := catalog.(version.Replacer)
	if !ok {
		return fmt.Errorf("--in-place: the rows of %s cannot be replaced; replay into another --version", old.sessions)
	}
	list, err := catalog.List(ctx)
	if err != nil {
		return err
	}
	v, ok := list.Version(o.version)
	if !ok {
		return fmt.Errorf("--in-place: there is no version %s of %s to replace: leave --in-place out", o.version, old.sessions.Result)
	}
	if err := p.mustNotRun(v, old); err != nil {
		return err
	}
	staged := o
	staged.version = o.version + stagedSuffix
	if staged.group == "" {
		staged.group = groupAfter(v.Group)
	}
	s, err := staged.resolve(p)
	if err != nil {
		return err
	}
	r, err := p.replayStaged(ctx, s, staged)
	if err != nil || r.stopped || r.dropped {
		return err
	}
	if err := replacer.Replace(ctx, o.version, staged.version); err != nil {
		return fmt.Errorf("version %s is complete but not in the place of %s yet: %w\nThe same command tries again", staged.version, o.version, err)
	}
	p.say("\nVersion %s has these rows now (%s), and none of the old definition (%s). Its group is %s.", o.version, s.definition, definition(v), s.group)
	return os.RemoveAll(p.stateDirOf(v.Group))
}

func (p *program) replayStaged(ctx context.Context, s settings, o replayOptions) (r result, err error) {
	c, err := p.connectToClicks(ctx)
	if err != nil {
		return r, err
	}
	defer closing(c, &err)
	return p.replayOn(ctx, c, s, o)
}

// mustNotRun says that the job of a version still runs, as far as can be told here: by its state.
func (p *program) mustNotRun(v version.Version, s settings) error {
	dir := p.stateDirOf(v.Group)
	if !notEmpty(dir) {
		return nil
	}
	backend, err := s.stateBackend()
	if err != nil {
		return err
	}
	store, err := backend.Open(dir, 0)
	if errors.Is(err, state.ErrLocked) {
		return fmt.Errorf("--in-place: the job of version %s (group %s) is running: stop it first, or replay into another --version beside it", v.Name, v.Group)
	}
	if err != nil {
		return err
	}
	return store.Close()
}

func (p *program) stateDirOf(group string) string { return filepath.Join(p.data, "state", group) }

var numbered = regexp.MustCompile(`^(.*)\.(\d+)$`)

// groupAfter names the group that takes over from another: sessions-v1.2 after sessions-v1.
func groupAfter(group string) string {
	if m := numbered.FindStringSubmatch(group); m != nil {
		if n, err := strconv.Atoi(m[2]); err == nil {
			return m[1] + "." + strconv.Itoa(n+1)
		}
	}
	return group + ".2"
}

// groupOf is the group that writes a version: what its catalog says, and for a new one a name made of the version's.
func (p *program) groupOf(s *settings) (group string, err error) {
	fallback := s.sessions.Reader + "-" + s.version
	if s.sessions.Place() == "" {
		return fallback, nil
	}
	catalog, err := s.sessions.Catalog(p.data)
	if err != nil {
		return "", err
	}
	defer closing(catalog, &err)
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	list, err := catalog.List(ctx)
	if v, ok := list.Version(s.version); ok {
		return v.Group, err
	}
	return fallback, err
}
