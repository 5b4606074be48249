package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
)

// Catalog is a version.Catalog, version.Replacer and version.Reader in a SQLite file. Readers use views; what is known of versions is in the tables millrace_versions and
// millrace_switches of the same file, so that a switch, its views and its entry are one transaction. A name that readers use must be free, or a view that a
// Catalog made: anything else there is left alone.
type Catalog struct {
	path, result string
	db           *sql.DB
}

var (
	_ version.Catalog  = (*Catalog)(nil)
	_ version.Replacer = (*Catalog)(nil)
	_ version.Reader   = (*Catalog)(nil)
)

// Versions is the catalog of a result in the SQLite file at path. result names it among the results of the file: by its first table, such as sessions. The
// file is made by the first change.
func Versions(path, result string) (*Catalog, error) {
	if path == "" || path == ":memory:" {
		return nil, fmt.Errorf("sqlite versions of %s: the path is %q; versions need a file", result, path)
	}
	if err := table.CheckName(result); err != nil {
		return nil, fmt.Errorf("sqlite versions: %w", err)
	}
	dsn, err := dsnOf(path, defaultBusyTimeout)
	if err != nil {
		return nil, err
	}
	// Renaming a table then touches nothing but its name: views keep speaking of the name.
	connector, err := sqlite.NewConnector(dsn + "&_pragma=legacy_alter_table(1)")
	if err != nil {
		return nil, err
	}
	return &Catalog{path: path, result: result, db: sql.OpenDB(connector)}, nil
}

// Close implements version.Catalog.
func (c *Catalog) Close() error { return c.db.Close() }

// String names the catalog.
func (c *Catalog) String() string { return "versions of " + c.result + " in " + c.path }

// change runs f in a transaction that is the only one to write.
func (c *Catalog) change(ctx context.Context, f func(*transaction) error) error {
	if err := os.MkdirAll(filepath.Dir(c.path), 0o755); err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	return c.transact(ctx, "BEGIN IMMEDIATE", func(t *transaction) error {
		if err := t.exec(createVersions, createSwitches); err != nil {
			return err
		}
		if err := t.load(); err != nil {
			return err
		}
		return f(t)
	})
}

// transact runs f between begin and COMMIT, or ROLLBACK.
func (c *Catalog) transact(ctx context.Context, begin string, f func(*transaction) error) (err error) {
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return c.explain(err)
	}
	defer func() {
		if e := conn.Close(); err == nil {
			err = e
		}
	}()
	t := &transaction{ctx: ctx, conn: conn, result: c.result}
	if err := t.exec(begin); err != nil {
		return c.explain(err)
	}
	err = f(t)
	if err == nil {
		err = t.exec("COMMIT")
	}
	if err != nil {
		t.ctx = context.WithoutCancel(ctx)
		return c.explain(errors.Join(err, t.exec("ROLLBACK")))
	}
	return nil
}

func (c *Catalog) explain(err error) error {
	var coded *sqlite.Error
	if errors.As(err, &coded) {
		switch coded.Code() & 0xff {
		case codeBusy, codeLocked, codeProtocol:
			return fmt.Errorf("%s: %w: %w", c, version.ErrBusy, err)
		}
	}
	return fmt.Errorf("%s: %w", c, err)
}

// List implements version.Catalog.
func (c *Catalog) List(ctx context.Context) (l version.Listing, err error) {
	if _, err := os.Stat(c.path); errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	err = c.transact(ctx, "BEGIN", func(t *transaction) error {
		if kind, err := t.kind(versionsTable); err != nil || kind == "" {
			return err
		}
		err := t.load()
		l = t.listing
		return err
	})
	return l, err
}

// Create implements version.Catalog.
func (c *Catalog) Create(ctx context.Context, v version.Version) (created version.Version, err error) {
	for _, name := range v.Tables {
		if err := table.CheckName(name); err != nil {
			return created, fmt.Errorf("%s: table: %w", c, err)
		}
	}
	err = c.change(ctx, func(t *transaction) (err error) {
		if created, err = t.listing.Add(v, time.Now(), t.taken...); err != nil {
			return err
		}
		return t.save(created)
	})
	return created, err
}

// Update implements version.Catalog.
func (c *Catalog) Update(ctx context.Context, v version.Version) error {
	return c.change(ctx, func(t *transaction) error {
		if err := t.listing.Set(v, time.Now()); err != nil {
			return err
		}
		v, _ := t.listing.Version(v.Name)
		return t.save(v)
	})
}

// Switch implements version.Catalog.
func (c *Catalog) Switch(ctx context.Context, from, to string) error {
	return c.change(ctx, func(t *transaction) error {
		old, _ := t.listing.Version(from)
		if err := t.listing.Move(from, to); err != nil {
			return err
		}
		v, _ := t.listing.Version(to)
		if err := t.show(old, v); err != nil || from == to {
			return err
		}
		return t.remember(from, to)
	})
}

// Drop implements version.Catalog.
func (c *Catalog) Drop(ctx context.Context, name string) error {
	return c.change(ctx, func(t *transaction) error {
		v, err := t.listing.Remove(name)
		if err != nil {
			return err
		}
		for _, reader := range v.Readers() {
			if err := t.exec("DROP TABLE IF EXISTS " + quoted(v.Tables[reader])); err != nil {
				return err
			}
		}
		return t.forget(name)
	})
}

// Replace implements version.Replacer: the staged tables get the names of those they replace.
func (c *Catalog) Replace(ctx context.Context, name, staged string) error {
	return c.change(ctx, func(t *transaction) error {
		old, taker, err := t.listing.Substitute(name, staged, true, time.Now())
		if err != nil {
			return err
		}
		for _, reader := range old.Readers() {
			place := quoted(old.Tables[reader])
			if err := t.exec("DROP TABLE IF EXISTS "+place, "ALTER TABLE "+quoted(taker.Tables[reader])+" RENAME TO "+place); err != nil {
				return err
			}
		}
		v, _ := t.listing.Version(name)
		if err := errors.Join(t.forget(staged), t.save(v)); err != nil {
			return err
		}
		if t.listing.Current != name {
			return nil
		}
		return t.show(old, v)
	})
}
