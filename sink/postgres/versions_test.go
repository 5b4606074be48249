//go:build integration

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/postgres"
	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/versiontest"
)

// shelf is a schema of one test's own, with connections for readers.
type shelf struct {
	dsn, schema string
	pool        *pgxpool.Pool
}

var shelves atomic.Int64

func newShelf(t testing.TB) *shelf {
	s := &shelf{dsn: testDSN(t), schema: fmt.Sprintf("shelf_%d_%d", os.Getpid(), shelves.Add(1))}
	pool, err := pgxpool.New(context.Background(), s.dsn)
	require.NoError(t, err)
	s.pool = pool
	s.exec(t, "CREATE SCHEMA "+s.schema)
	t.Cleanup(func() {
		s.exec(t, "DROP SCHEMA "+s.schema+" CASCADE")
		pool.Close()
	})
	return s
}

func (s *shelf) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	_, err := s.pool.Exec(context.Background(), sql, args...)
	require.NoError(t, err, sql)
}

func (s *shelf) name(table string) string { return s.schema + "." + table }

func (s *shelf) catalog(t testing.TB) *postgres.Catalog {
	c, err := postgres.Versions(s.dsn, s.name("first"))
	require.NoError(t, err)
	return c
}

func (s *shelf) fill(t testing.TB, place string, rows []versiontest.Record) {
	s.exec(t, "CREATE TABLE "+place+" (text text NOT NULL, seq bigint, id text, PRIMARY KEY (id, seq))")
	_, err := s.pool.CopyFrom(context.Background(), pgx.Identifier{s.schema, place[len(s.schema)+1:]}, []string{"id", "seq", "text"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) { return []any{rows[i].ID, rows[i].Seq, rows[i].Text}, nil }))
	require.NoError(t, err)
}

func (s *shelf) read(table string) ([]versiontest.Record, error) {
	rows, err := s.pool.Query(context.Background(), "SELECT id, seq, text FROM "+s.name(table))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[versiontest.Record])
}

func TestVersionsConformance(t *testing.T) {
	versiontest.Run(t, versiontest.Config{
		Features: versiontest.Features{Readers: true, Rows: true, Replaces: true, Drops: true},
		New: func(t *testing.T) versiontest.Target {
			s := newShelf(t)
			return versiontest.Target{
				Open:   func(t testing.TB) version.Catalog { return s.catalog(t) },
				Place:  func(table, version string) string { return s.name(table) + "_" + version },
				Reader: s.name,
				Fill:   s.fill,
				Read:   func(_ testing.TB, table string) ([]versiontest.Record, error) { return s.read(table) },
				Occupy: func(t testing.TB, table string) {
					s.exec(t, "CREATE TABLE "+s.name(table)+" AS SELECT 42 AS mine")
				},
				Occupied: func(t testing.TB, table string) bool {
					var n int
					require.NoError(t, s.pool.QueryRow(t.Context(), "SELECT mine FROM "+s.name(table)).Scan(&n))
					return n == 42
				},
			}
		},
	})
}

// create makes a version whose only table has the columns of a CREATE TABLE.
func (s *shelf) create(t testing.TB, name, columns string) {
	t.Helper()
	s.exec(t, "CREATE TABLE "+s.name("first_"+name)+" ("+columns+")")
	_, err := s.catalog(t).Create(t.Context(), version.Version{Name: name, Tables: map[string]string{s.name("first"): s.name("first_" + name)}})
	require.NoError(t, err)
}

// TestGrantsStay changes the view's columns, which makes it anew, and looks at who may read it.
func TestGrantsStay(t *testing.T) {
	s := newShelf(t)
	role := s.schema + "_reader"
	s.exec(t, "CREATE ROLE "+role)
	t.Cleanup(func() { s.exec(t, "DROP OWNED BY "+role); s.exec(t, "DROP ROLE "+role) })
	s.create(t, "v1", "id text PRIMARY KEY, n bigint")
	s.create(t, "v2", "id text PRIMARY KEY, n bigint, more text")
	s.create(t, "v3", "id text PRIMARY KEY, ratio float8")
	c := s.catalog(t)
	require.NoError(t, c.Switch(t.Context(), "", "v1"))
	s.exec(t, "GRANT SELECT ON "+s.name("first")+" TO "+role+" WITH GRANT OPTION")
	s.exec(t, "GRANT SELECT ON "+s.name("first")+" TO PUBLIC")
	s.exec(t, "ALTER VIEW "+s.name("first")+" SET (security_barrier = true)")
	from := "v1"
	for _, to := range []string{"v2", "v3", "v1"} {
		require.NoError(t, c.Switch(t.Context(), from, to))
		from = to
		var acl, options string
		require.NoError(t, s.pool.QueryRow(t.Context(), "SELECT relacl::text, reloptions::text FROM pg_class WHERE oid = to_regclass($1)", s.name("first")).Scan(&acl, &options))
		require.Contains(t, acl, role+"=r*/", to)
		require.Contains(t, acl, ",=r/", to)
		require.Equal(t, "{security_barrier=true}", options)
	}
	s.exec(t, "GRANT SELECT (n) ON "+s.name("first")+" TO "+role)
	require.ErrorContains(t, c.Switch(t.Context(), "v1", "v3"), "grants on single ones (n)")
	require.NoError(t, c.Switch(t.Context(), "v1", "v2"), "its columns stay")
}

// TestDependents: a view of the user's own over the readers' view follows while columns stay, and is in the way when they change.
func TestDependents(t *testing.T) {
	s := newShelf(t)
	s.create(t, "v1", "id text PRIMARY KEY, n bigint")
	s.create(t, "v2", "id text PRIMARY KEY, n bigint, more text")
	s.create(t, "v3", "id text PRIMARY KEY, ratio float8")
	s.exec(t, "INSERT INTO "+s.name("first_v2")+" VALUES ('a', 7)")
	c := s.catalog(t)
	require.NoError(t, c.Switch(t.Context(), "", "v1"))
	s.exec(t, "CREATE VIEW "+s.name("sums")+" AS SELECT sum(n)::bigint AS sum FROM "+s.name("first"))
	require.NoError(t, c.Switch(t.Context(), "v1", "v2"))
	var sum int64
	require.NoError(t, s.pool.QueryRow(t.Context(), "SELECT sum FROM "+s.name("sums")).Scan(&sum))
	require.EqualValues(t, 7, sum)
	err := c.Switch(t.Context(), "v2", "v3")
	require.ErrorContains(t, err, "other objects depend on it")
	require.ErrorContains(t, err, "sums")
	l, err := c.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, "v2", l.Current)
	require.NoError(t, s.pool.QueryRow(t.Context(), "SELECT sum FROM "+s.name("sums")).Scan(&sum))
}

// TestLongReader: a switch waits for a transaction that has read the view, holds up no other reader for long meanwhile, and gives up in the end.
func TestLongReader(t *testing.T) {
	s := newShelf(t)
	s.create(t, "v1", "id text PRIMARY KEY")
	s.create(t, "v2", "id text PRIMARY KEY")
	c := s.catalog(t)
	require.NoError(t, c.Switch(t.Context(), "", "v1"))
	tx, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), "SELECT * FROM "+s.name("first"))
	require.NoError(t, err)
	ended := make(chan error, 1)
	begun := time.Now()
	go func() { ended <- c.Switch(context.Background(), "v1", "v2") }()
	reads := 0
	var longest time.Duration
	for err = error(nil); err == nil; {
		select {
		case err = <-ended:
			require.Error(t, err, "the reader is still there")
		default:
			at := time.Now()
			s.exec(t, "SELECT * FROM "+s.name("first"))
			longest = max(longest, time.Since(at))
			reads++
		}
	}
	require.ErrorIs(t, err, version.ErrBusy)
	require.ErrorContains(t, err, "held by process")
	require.Less(t, time.Since(begun), 30*time.Second)
	require.Less(t, longest, 5*time.Second)
	t.Logf("%d reads meanwhile, the longest %s; gave up after %s", reads, longest, time.Since(begun))
	go func() { ended <- c.Switch(context.Background(), "v1", "v2") }()
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-ended)
}

// TestReaderOfTwoViews reads both views in one transaction while versions are switched: it must not see one of each, and is not killed.
func TestReaderOfTwoViews(t *testing.T) {
	s := newShelf(t)
	c := s.catalog(t)
	for _, name := range []string{"v1", "v2"} {
		tables := map[string]string{}
		for _, table := range []string{"first", "second"} {
			tables[s.name(table)] = s.name(table + "_" + name)
			s.fill(t, tables[s.name(table)], []versiontest.Record{{ID: "a", Text: name}})
		}
		_, err := c.Create(t.Context(), version.Version{Name: name, Tables: tables})
		require.NoError(t, err)
	}
	require.NoError(t, c.Switch(t.Context(), "", "v1"))
	var stop atomic.Bool
	ended := make(chan error, 1)
	reads := 0
	go func() {
		ended <- func() error {
			for ; !stop.Load() || reads == 0; reads++ {
				tx, err := s.pool.Begin(context.Background())
				if err != nil {
					return err
				}
				var a, b string
				order := []string{"first", "second"}
				if reads%2 == 1 {
					order = []string{"second", "first"}
				}
				err = errors.Join(tx.QueryRow(context.Background(), "SELECT text FROM "+s.name(order[0])).Scan(&a), tx.QueryRow(context.Background(), "SELECT text FROM "+s.name(order[1])).Scan(&b),
					tx.Rollback(context.Background()))
				if err != nil || a != b {
					return fmt.Errorf("%s and %s: %w", a, b, err)
				}
			}
			return nil
		}()
	}()
	from, to := "v1", "v2"
	for range 20 {
		require.NoError(t, c.Switch(t.Context(), from, to))
		from, to = to, from
	}
	stop.Store(true)
	require.NoError(t, <-ended)
	t.Logf("%d reads of both views", reads)
}

// TestDroppedView: a view that somebody dropped, and that the other version has no table for, does not keep the rest from moving.
func TestDroppedView(t *testing.T) {
	s := newShelf(t)
	c := s.catalog(t)
	for v, tables := range map[string][]string{"v1": {"extra", "first"}, "v2": {"first"}} {
		places := map[string]string{}
		for _, table := range tables {
			places[s.name(table)] = s.name(table + "_" + v)
			s.fill(t, places[s.name(table)], []versiontest.Record{{ID: "a", Text: v}})
		}
		_, err := c.Create(t.Context(), version.Version{Name: v, Tables: places})
		require.NoError(t, err)
	}
	require.NoError(t, c.Switch(t.Context(), "", "v1"))
	s.exec(t, "DROP VIEW "+s.name("extra"))
	require.NoError(t, c.Switch(t.Context(), "v1", "v2"))
	seen, err := s.read("first")
	require.NoError(t, err)
	require.Equal(t, "v2", seen[0].Text)
}

// TestSwitchBetweenReaders: transactions that take a while over both views, one after the other, in whatever order, do not keep a switch from its turn.
func TestSwitchBetweenReaders(t *testing.T) {
	for name, order := range map[string][]string{"in order": {"first", "second"}, "the other way": {"second", "first"}} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			c := s.catalog(t)
			for _, v := range []string{"v1", "v2"} {
				tables := map[string]string{}
				for _, table := range order {
					tables[s.name(table)] = s.name(table + "_" + v)
					s.exec(t, "CREATE TABLE "+tables[s.name(table)]+" (id text)")
				}
				_, err := c.Create(t.Context(), version.Version{Name: v, Tables: tables})
				require.NoError(t, err)
			}
			require.NoError(t, c.Switch(t.Context(), "", "v1"))
			read := func(tx pgx.Tx) error {
				for _, table := range order {
					if _, err := tx.Exec(context.Background(), "SELECT count(*), pg_sleep(0.03) FROM "+s.name(table)); err != nil {
						return err
					}
				}
				return nil
			}
			var stop atomic.Bool
			ended := make(chan error, 1)
			go func() {
				var err error
				for err == nil && !stop.Load() {
					err = pgx.BeginFunc(context.Background(), s.pool, read)
				}
				ended <- err
			}()
			from, to := "v1", "v2"
			for range 4 {
				begun := time.Now()
				require.NoError(t, c.Switch(t.Context(), from, to))
				require.Less(t, time.Since(begun), 5*time.Second)
				t.Logf("a switch took %s", time.Since(begun))
				from, to = to, from
			}
			stop.Store(true)
			require.NoError(t, <-ended)
		})
	}
}

// TestSwitchIsQuick measures what a rollback takes.
func TestSwitchIsQuick(t *testing.T) {
	s := newShelf(t)
	s.create(t, "v1", "id text PRIMARY KEY")
	s.create(t, "v2", "id text PRIMARY KEY")
	c := s.catalog(t)
	require.NoError(t, c.Switch(t.Context(), "", "v1"))
	require.NoError(t, c.Switch(t.Context(), "v1", "v2"))
	begun := time.Now()
	require.NoError(t, c.Switch(t.Context(), "v2", "v1"))
	require.Less(t, time.Since(begun), time.Second)
}

func TestWrongVersions(t *testing.T) {
	_, err := postgres.Versions(testDSN(t), `a"b`)
	require.ErrorContains(t, err, "must consist of letters")
	_, err = postgres.Versions("postgres://u:secret@h:x/d", "sessions")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
	c, err := postgres.Versions("postgres://u:secret@127.0.0.1:1/d?connect_timeout=1", "sessions")
	require.NoError(t, err)
	_, err = c.List(t.Context())
	require.ErrorContains(t, err, "127.0.0.1:1/d")
	require.NotContains(t, fmt.Sprintf("%v %#v", err, c), "secret")
	s := newShelf(t)
	_, err = s.catalog(t).Create(t.Context(), version.Version{Name: "v1", Tables: map[string]string{"first": "a;b"}})
	require.ErrorContains(t, err, "must consist of letters")
}
