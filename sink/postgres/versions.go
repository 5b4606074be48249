package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
)

// Catalog is a version.Catalog, version.Replacer and version.Reader in a PostgreSQL schema. Readers use views; what is known of versions is in the tables
// millrace_versions and millrace_switches beside them, so that a switch, its views and its entry are one transaction.
//
// A view whose columns stay, or get more at its end, keeps what was granted on it and what depends on it. Where columns change it is made anew with the same owner and grants;
// what depends on it, and grants on single columns, are then refused. A name that readers use must be free, or a view that a Catalog made: anything else is left alone.
//
// A switch waits for transactions that have read the view, half a second at a time at most, so that those who come after are not held up behind it, and gives up with
// version.ErrBusy after some ten seconds. Transactions that read several views one after the other, without a pause between them, do not keep a switch from its turn in
// whatever order they read: it takes the views in the one order and the other in turn. Each call has a connection of its own.
type Catalog struct {
	config *pgx.ConnConfig
	schema string // "" for the connection's
	result string
}

var (
	_ version.Catalog  = (*Catalog)(nil)
	_ version.Replacer = (*Catalog)(nil)
	_ version.Reader   = (*Catalog)(nil)
)

const (
	// A switch waits for a lock as long as firstLock, and twice as long with each third try, up to lastLock. That is less than the server's deadlock_timeout of a
	// second, so that a switch and not a reader gives way. The tries between give up soon: against readers that take the views in both orders without a pause it is many
	// tries that help, and against long transactions long waits.
	shortLock   = 20 * time.Millisecond
	firstLock   = 50 * time.Millisecond
	lastLock    = 500 * time.Millisecond
	lockTries   = 60
	lockPause   = 20 * time.Millisecond
	callTimeout = time.Minute
)

// Versions is the catalog of a result in the database that dsn names, as for Upsert. result names it by its first table, such as sessions, or web.sessions in another
// schema than the connection's. It connects with the first call.
func Versions(dsn, result string) (*Catalog, error) {
	c := &Catalog{result: result}
	if schema, name, ok := strings.Cut(result, "."); ok {
		c.schema, c.result = schema, name
	}
	for _, name := range strings.Split(result, ".") {
		if err := table.CheckName(name); err != nil {
			return nil, fmt.Errorf("postgres versions: %w", err)
		}
	}
	server, err := parseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres versions of %s: %w", result, err)
	}
	if c.config, err = pgx.ParseConfig(dsn); err != nil {
		return nil, fmt.Errorf("postgres versions of %s: %s", result, without(dsn, err))
	}
	c.config.Config = *server
	// A pooler between may give each transaction another connection, where statements prepared before are not known.
	c.config.DefaultQueryExecMode = pgx.QueryExecModeExec
	return c, nil
}

// Close implements version.Catalog.
func (c *Catalog) Close() error { return nil }

// String names the catalog, without credentials.
func (c *Catalog) String() string {
	return fmt.Sprintf("versions of %s on %s:%d/%s", c.result, c.config.Host, c.config.Port, c.config.Database)
}

// GoString keeps %#v from printing the password.
func (c *Catalog) GoString() string { return c.String() }

// change runs f in a transaction that is the only one to change the schema's versions. It tries again while readers hold what must change.
func (c *Catalog) change(ctx context.Context, f func(*transaction) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	long := firstLock
	for try := 1; ; try++ {
		wait := shortLock
		if try%3 == 0 {
			wait, long = long, min(2*long, lastLock)
		}
		err := c.transact(ctx, pgx.TxOptions{}, func(t *transaction) error {
			if err := t.begin(wait); err != nil {
				return err
			}
			t.backwards = try%2 == 0
			return f(t)
		})
		if !isLocked(err) {
			return c.explain(err)
		}
		if try == lockTries {
			return c.explain(fmt.Errorf("%w: %w%s", version.ErrBusy, err, c.holders(ctx)))
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return c.explain(context.Cause(ctx))
		}
	}
}

// isLocked reports whether a lock did not come in time, or two transactions waited for each other.
func isLocked(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "40P01")
}

// transact runs f in a transaction on a connection of its own.
func (c *Catalog) transact(ctx context.Context, options pgx.TxOptions, f func(*transaction) error) error {
	conn, err := pgx.ConnectConfig(ctx, c.config.Copy())
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = conn.Close(ctx) // the transaction has ended, or ends with it
	}()
	return pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error {
		t := &transaction{ctx: ctx, tx: tx, result: c.result, schema: c.schema}
		if t.schema == "" {
			if err := tx.QueryRow(ctx, "SELECT coalesce(current_schema(), '')").Scan(&t.schema); err != nil {
				return err
			}
			if t.schema == "" {
				return errors.New("the search_path has no schema: name one, as in public.sessions")
			}
		}
		return f(t)
	})
}

func (c *Catalog) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w%s", c, err, details(err))
}

// holders names the transactions that hold the views, as far as the server tells.
func (c *Catalog) holders(ctx context.Context) (text string) {
	_ = c.transact(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(t *transaction) error {
		return t.tx.QueryRow(ctx, `SELECT coalesce('; held by ' || string_agg(DISTINCT format('process %s (%s, %s, transaction begun %s)', a.pid, a.application_name, a.state, a.xact_start), ', '), '')
FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation
WHERE l.granted AND a.pid <> pg_backend_pid() AND c.relkind = 'v' AND c.relnamespace = to_regnamespace(quote_ident($1))`, t.schema).Scan(&text)
	})
	return text
}

// List implements version.Catalog.
func (c *Catalog) List(ctx context.Context) (l version.Listing, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = c.transact(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(t *transaction) error {
		if o, err := t.object(versionsTable); err != nil || o.kind == "" {
			return err
		}
		err := t.load()
		l = t.listing
		return err
	})
	return l, c.explain(err)
}

// Create implements version.Catalog.
func (c *Catalog) Create(ctx context.Context, v version.Version) (created version.Version, err error) {
	for _, reader := range v.Readers() {
		for _, name := range []string{reader, v.Tables[reader]} {
			if err := checkQualified(name); err != nil {
				return created, fmt.Errorf("%s: table: %w", c, err)
			}
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

// checkQualified lets plain names through, with a schema or without.
func checkQualified(name string) error {
	parts := strings.Split(name, ".")
	if len(parts) > 2 {
		return fmt.Errorf("the name %q has more than one dot", name)
	}
	for _, part := range parts {
		if err := table.CheckName(part); err != nil {
			return err
		}
	}
	return nil
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
		if err := t.show(old, v, v.Tables); err != nil || from == to {
			return err
		}
		return t.exec(`INSERT INTO `+t.name(switchesTable)+` (result, from_version, to_version) VALUES ($1, nullif($2, ''), $3)`, t.result, from, to)
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
			if err := t.exec("DROP TABLE IF EXISTS " + t.name(v.Tables[reader])); err != nil {
				return err
			}
		}
		return t.forget(name)
	})
}

// Replace implements version.Replacer: readers' views move to the staged tables, which then get the names of those they replace.
func (c *Catalog) Replace(ctx context.Context, name, staged string) error {
	return c.change(ctx, func(t *transaction) error {
		old, taker, err := t.listing.Substitute(name, staged, true, time.Now())
		if err != nil {
			return err
		}
		v, _ := t.listing.Version(name)
		if t.listing.Current == name {
			if err := t.show(old, v, taker.Tables); err != nil {
				return err
			}
		}
		for _, reader := range old.Readers() {
			place := old.Tables[reader]
			if err := t.exec("DROP TABLE IF EXISTS " + t.name(place)); err != nil {
				return err
			}
			if err := t.exec("ALTER TABLE " + t.name(taker.Tables[reader]) + " RENAME TO " + quoted(place[strings.IndexByte(place, '.')+1:])); err != nil {
				return err
			}
		}
		if err := t.forget(staged); err != nil {
			return err
		}
		return t.save(v)
	})
}
