package version

import (
	"fmt"
	"slices"
	"time"
)

// The rules that all catalogs share, as changes of a Listing that a catalog has loaded and will store, in one atomic step of its own. A change that is
// refused leaves the Listing as it was.

// Add does what Create promises. taken are places that belong to others besides the versions listed.
func (l *Listing) Add(v Version, at time.Time, taken ...string) (Version, error) {
	if err := v.Check(); err != nil {
		return Version{}, err
	}
	if _, ok := l.Version(v.Name); ok {
		return Version{}, fmt.Errorf("version %s: %w", v.Name, ErrExists)
	}
	for _, reader := range v.Readers() {
		place := v.Tables[reader]
		if slices.Contains(taken, place) {
			return Version{}, fmt.Errorf("version %s: place %s of %s: %w by another result", v.Name, place, reader, ErrTaken)
		}
		for _, o := range l.Versions {
			if o.holds(place) {
				return Version{}, fmt.Errorf("version %s: place %s of %s: %w by version %s", v.Name, place, reader, ErrTaken, o.Name)
			}
		}
	}
	v.Created = l.after(at)
	v.Updated = v.Created
	l.Versions = append(l.Versions, v)
	return v, nil
}

func (v Version) holds(place string) bool {
	for _, p := range v.Tables {
		if p == place {
			return true
		}
	}
	return false
}

// after is a time of creation, in UTC and microseconds, that no listed version has: they tell versions of one name apart.
func (l *Listing) after(at time.Time) time.Time {
	at = at.UTC().Truncate(time.Microsecond)
	for _, v := range l.Versions {
		if !at.After(v.Created) {
			at = v.Created.Add(time.Microsecond)
		}
	}
	return at
}

// Set does what Update promises.
func (l *Listing) Set(v Version, at time.Time) error {
	if err := v.Check(); err != nil {
		return err
	}
	i := l.index(v.Name)
	if i < 0 {
		return fmt.Errorf("version %s: %w", v.Name, ErrUnknown)
	}
	old := l.Versions[i]
	if !old.Created.Equal(v.Created) {
		return fmt.Errorf("version %s created %s: %w; this one was created %s", v.Name, v.Created.Format(time.RFC3339), ErrUnknown, old.Created.Format(time.RFC3339))
	}
	v.Tables, v.Created, v.Updated = old.Tables, old.Created, at.UTC().Truncate(time.Microsecond)
	if v.Updated.Before(old.Updated) {
		v.Updated = old.Updated
	}
	l.Versions[i] = v
	return nil
}

func (l *Listing) index(name string) int {
	return slices.IndexFunc(l.Versions, func(v Version) bool { return v.Name == name })
}

// Move does what Switch promises of Current and Previous.
func (l *Listing) Move(from, to string) error {
	switch {
	case l.index(to) < 0:
		return fmt.Errorf("version %s: %w", to, ErrUnknown)
	case l.Current != from:
		return fmt.Errorf("switching from %s to %s: %w: %s", shown(from), to, ErrChanged, shown(l.Current))
	case from != to:
		l.Current, l.Previous = to, from
	}
	return nil
}

func shown(name string) string {
	if name == "" {
		return "none"
	}
	return name
}

// Remove does what Drop promises, and returns what was removed.
func (l *Listing) Remove(name string) (Version, error) {
	i := l.index(name)
	switch {
	case i < 0:
		return Version{}, fmt.Errorf("version %s: %w", name, ErrUnknown)
	case l.Current == name:
		return Version{}, fmt.Errorf("version %s: %w: switch to another before it is dropped", name, ErrCurrent)
	}
	removed := l.Versions[i]
	l.Versions = slices.Delete(slices.Clone(l.Versions), i, i+1)
	if l.Previous == name {
		l.Previous = ""
	}
	return removed, nil
}

// Substitute does what Replace promises: the version of that name gets the facts of staged, and its places too where keep is false. It returns what was there
// before, whose rows are to be removed, and what staged was.
func (l *Listing) Substitute(name, staged string, keep bool, at time.Time) (old, taker Version, err error) {
	i := l.index(name)
	if i < 0 {
		return old, taker, fmt.Errorf("version %s: %w", name, ErrUnknown)
	}
	old = l.Versions[i]
	if name == staged {
		return old, taker, fmt.Errorf("version %s cannot replace itself", name)
	}
	next := *l
	if taker, err = next.Remove(staged); err != nil {
		return old, taker, err
	}
	if !slices.Equal(old.Readers(), taker.Readers()) {
		return old, taker, fmt.Errorf("version %s has the tables %v and cannot replace version %s, which has %v", staged, taker.Readers(), name, old.Readers())
	}
	v := taker
	v.Name, v.Created = name, l.after(at)
	if keep {
		v.Tables = old.Tables
	}
	v.Updated = v.Created
	next.Versions[next.index(name)] = v
	*l = next
	return old, taker, nil
}
