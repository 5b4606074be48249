package elastic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/sink/version"
)

// Catalog keeps the versions of a result whose tables are indexes. It is a version.Catalog, version.Replacer and version.Reader.
//
// Readers use aliases. Which version they see, and which they saw before, is told by the aliases themselves: sessions is an alias of sessions_v2, and sessions.previous one
// of sessions_v1. A switch moves all of them by one _aliases request, which the servers carry out as one step; each removal in it demands that the alias still is where
// it was, and an alias has at most one write index, so of two switches that meet one fails. A search through an alias sees one version; reads of several
// requests do so by a scroll or a point in time, which stay with the index they began on.
//
// What else is known of the versions of all results is one document in an index of its own, changed under if_seq_no and if_primary_term.
//
// Drop removes the indexes first and the entry then: after a crash in between the version is still listed, without rows, and dropping it again completes it. Replace moves
// aliases first and facts then, and is completed by another Replace.
type Catalog struct {
	client *client
	result string
	store  document
}

var (
	_ version.Catalog  = (*Catalog)(nil)
	_ version.Replacer = (*Catalog)(nil)
	_ version.Reader   = (*Catalog)(nil)
)

// tries bounds how often a change begins anew because another process was faster.
const tries = 20

// Versions is the catalog of a result in the cluster that the URLs name. It connects to nothing yet.
func Versions(urls []string, result string, opts ...Option) (*Catalog, error) {
	conf := configOf(opts)
	c := &Catalog{result: result, store: document{index: conf.catalog}}
	nodes, err := parseServers(urls, conf)
	if result == "" {
		err = errors.Join(err, errors.New("the result has no name"))
	}
	if err := errors.Join(err, conf.validate()); err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	if c.client, err = newClient(nodes, conf, "millrace/versions", 0); err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	c.store.client = c.client
	return c, nil
}

// String names the catalog without credentials.
func (c *Catalog) String() string { return "elastic versions of " + c.result }

// GoString keeps %#v from printing credentials.
func (c *Catalog) GoString() string { return c.String() }

// Close implements version.Catalog.
func (c *Catalog) Close() error {
	c.client.close()
	return nil
}

// view is all there is to know at one moment.
type view struct {
	version.Listing
	aliases  aliases
	contents contents
}

// look reads the aliases between two readings of the document that agree.
func (c *Catalog) look(ctx context.Context) (v view, err error) {
	stored, err := c.store.load(ctx)
	if err != nil {
		return v, err
	}
	for range tries {
		versions := stored.Results[c.result]
		v = view{Listing: version.Listing{Versions: versions}, contents: stored}
		if v.aliases, err = readAliases(ctx, c.client, versions); err != nil {
			return v, err
		}
		if stored, err = c.store.load(ctx); err != nil {
			return v, err
		}
		if stored.at == v.contents.at {
			v.Current, v.Previous = v.behind(""), v.behind(previous)
			return v, nil
		}
	}
	return v, c.busy()
}

func (c *Catalog) busy() error {
	return fmt.Errorf("%s: %w: other processes changed it %d times meanwhile", c, version.ErrBusy, tries)
}

// behind is the version whose place is behind its first reader's name with this ending.
func (v view) behind(suffix string) string {
	for _, o := range v.Versions {
		reader := o.Readers()[0]
		if slices.Contains(v.aliases.of(reader+suffix), o.Tables[reader]) {
			return o.Name
		}
	}
	return ""
}

// change changes the versions of the result and stores them, again from the start if another process stored others meanwhile.
func (c *Catalog) change(ctx context.Context, f func(v *view) error) error {
	for range tries {
		v, err := c.look(ctx)
		if err != nil {
			return err
		}
		if err := f(&v); err != nil {
			return err
		}
		v.contents.Results[c.result] = v.Versions
		err = c.store.save(ctx, v.contents)
		if !isStatus(err, http.StatusConflict) {
			return err
		}
	}
	return c.busy()
}

// explain is what all methods return errors by.
func (c *Catalog) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return explain(ctx, c, err)
}

// List implements version.Catalog.
func (c *Catalog) List(ctx context.Context) (version.Listing, error) {
	v, err := c.look(ctx)
	return v.Listing, c.explain(ctx, err)
}

// Create implements version.Catalog.
func (c *Catalog) Create(ctx context.Context, v version.Version) (created version.Version, err error) {
	err = v.Check()
	for _, reader := range v.Readers() {
		err = errors.Join(err, CheckIndex(reader), CheckIndex(reader+previous), CheckIndex(v.Tables[reader]))
	}
	if err == nil {
		err = c.change(ctx, func(now *view) (err error) {
			created, err = now.Add(v, time.Now(), now.contents.others(c.result)...)
			return err
		})
	}
	return created, c.explain(ctx, err)
}

// Update implements version.Catalog.
func (c *Catalog) Update(ctx context.Context, v version.Version) error {
	return c.explain(ctx, c.change(ctx, func(now *view) error { return now.Set(v, time.Now()) }))
}

// Switch implements version.Catalog.
func (c *Catalog) Switch(ctx context.Context, from, to string) error {
	return c.explain(ctx, c.moveReaders(ctx, from, to))
}

func (c *Catalog) moveReaders(ctx context.Context, from, to string) error {
	v, err := c.look(ctx)
	if err != nil {
		return err
	}
	next := v.Listing
	if err := next.Move(from, to); err != nil {
		return err
	}
	actions, err := v.switching(from, to)
	if err != nil {
		return err
	}
	if err = apply(ctx, c.client, actions); err == nil || isTemporary(err) && !collided(err) {
		return err
	}
	// The server refused one of the conditions, or a name.
	now, lookErr := c.look(ctx)
	next = now.Listing
	if moved := next.Move(from, to); lookErr == nil && moved != nil {
		return moved
	}
	switch {
	case isKind(err, "invalid_alias_name_exception"):
		return fmt.Errorf("%w: %w", version.ErrTaken, err)
	case isKind(err, "index_not_found_exception"):
		return fmt.Errorf("version %s has no rows yet, or none any more: %w: %w", to, version.ErrUnknown, err)
	}
	return err
}

// Drop implements version.Catalog.
func (c *Catalog) Drop(ctx context.Context, name string) error {
	return c.explain(ctx, c.change(ctx, func(v *view) error {
		dropped, err := v.Remove(name)
		if err != nil {
			return err
		}
		err = v.removing(ctx, c.client, dropped)
		if collided(err) { // readers have moved since, or the indexes are gone
			return c.again(ctx, name, err)
		}
		return err
	}))
}

// again tells why a guarded removal was refused.
func (c *Catalog) again(ctx context.Context, name string, err error) error {
	now, lookErr := c.look(ctx)
	if lookErr != nil {
		return err
	}
	if _, refused := now.Remove(name); refused != nil {
		return refused
	}
	return fmt.Errorf("%w: %w", version.ErrBusy, err)
}

// Replace implements version.Replacer.
func (c *Catalog) Replace(ctx context.Context, name, staged string) error {
	return c.explain(ctx, c.change(ctx, func(v *view) error {
		if v.Current == staged && v.halfReplaced(name) {
			v.Current = name
		}
		old, taker, err := v.Substitute(name, staged, false, time.Now())
		if err != nil {
			return err
		}
		err = v.replacing(ctx, c.client, old, taker)
		if collided(err) {
			return fmt.Errorf("%w: %w", version.ErrBusy, err)
		}
		return err
	}))
}

// halfReplaced reports whether the version of that name has lost its indexes to a Replace that was cut off.
func (v view) halfReplaced(name string) bool {
	o, ok := v.Version(name)
	for _, place := range o.Tables {
		ok = ok && !v.aliases.exists(place)
	}
	return ok
}

// places are where the version's rows are, those first that come first among the readers' names.
func places(v version.Version) (all []string) {
	for _, reader := range v.Readers() {
		all = append(all, v.Tables[reader])
	}
	return all
}

func joined(names []string) string { return strings.Join(names, ",") }
