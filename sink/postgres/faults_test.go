//go:build integration

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/servers"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/postgres"
	"github.com/millrace/millrace/sink/sinktest"
)

func TestKilledBackend(t *testing.T) {
	dsn := testDSN(t)
	conn := connect(t, dsn)
	name := newTable(t, conn)
	w := openWriter(t, postgres.Upsert(dsn+"&application_name="+name, name, sinktest.Columns))
	require.NoError(t, w.Write(t.Context(), one("before", 1)))
	var killed int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1", name).Scan(&killed))
	require.Equal(t, 1, killed)
	err := w.Write(t.Context(), one("after", 2))
	require.Error(t, err)
	require.True(t, sink.IsTemporary(err), "%v", err)
	require.NoError(t, w.Write(t.Context(), one("after", 2)), "the next Write connects again")
	require.ElementsMatch(t, []record{{ID: "before", Seq: 1}, {ID: "after", Seq: 2}}, readRecords(t, conn, name))
}

func TestServerRestart(t *testing.T) {
	server, err := servers.StartPostgres(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	s := postgres.Upsert(server.DSN(), "kept", sinktest.Columns)
	w := openWriter(t, s)
	require.NoError(t, w.Write(t.Context(), one("before", 1)))
	require.NoError(t, server.Stop())
	for range 3 {
		err := w.Write(t.Context(), one("after", 2))
		require.Error(t, err)
		require.True(t, sink.IsTemporary(err), "%v", err)
	}
	_, err = s.Open(t.Context(), sink.Env{})
	require.True(t, sink.IsTemporary(err), "Open while the server is away: %v", err)
	require.NoError(t, server.Restart(t.Context()))
	require.NoError(t, w.Write(t.Context(), one("after", 2)))

	conn := connect(t, server.DSN())
	require.Len(t, readRecords(t, conn, "kept"), 2)
	_, err = conn.Exec(t.Context(), "DROP TABLE kept")
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, server.Restart(t.Context()))
	require.True(t, sink.IsTemporary(w.Write(t.Context(), one("third", 3))))
	err = w.Write(t.Context(), one("third", 3))
	require.ErrorIs(t, err, postgres.ErrSchema, "a table that vanished is not made again behind the user's back")
	require.False(t, sink.IsTemporary(err))
}

func TestDeadlockIsTemporary(t *testing.T) {
	dsn := testDSN(t)
	conn := connect(t, dsn)
	name := newTable(t, conn)
	w := openWriter(t, postgres.Upsert(dsn, name, sinktest.Columns))
	require.NoError(t, w.Write(t.Context(), append(one("a", 1), one("b", 1)...)))
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	// The other session holds b and then wants a; the Writer holds a and wants b.
	_, err = tx.Exec(t.Context(), "SET LOCAL deadlock_timeout = '1h'; UPDATE "+name+" SET number = 7 WHERE id = 'b'")
	require.NoError(t, err)
	var wg sync.WaitGroup
	var writeErr error
	wg.Go(func() { writeErr = w.Write(context.Background(), append(one("a", 1), one("b", 1)...)) })
	waiting := func() bool {
		var n int
		err := connect(t, dsn).QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%'||$1||'%'", name).Scan(&n)
		return err == nil && n > 0
	}
	require.Eventually(t, waiting, 5*time.Second, 10*time.Millisecond)
	_, err = tx.Exec(t.Context(), "UPDATE "+name+" SET number = 7 WHERE id = 'a'")
	wg.Wait()
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	require.ErrorContains(t, writeErr, "deadlock")
	require.True(t, sink.IsTemporary(writeErr), "%v", writeErr)
	require.NoError(t, w.Write(t.Context(), append(one("a", 1), one("b", 1)...)))
}

func TestTooManyConnectionsIsTemporary(t *testing.T) {
	conn := connect(t, testDSN(t))
	role := fmt.Sprintf("limited_%d", os.Getpid())
	_, err := conn.Exec(t.Context(), "CREATE ROLE "+role+" LOGIN SUPERUSER CONNECTION LIMIT 0")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := conn.Exec(context.Background(), "DROP ROLE "+role)
		require.NoError(t, err)
	})
	_, err = conn.Exec(t.Context(), "ALTER ROLE "+role+" NOSUPERUSER")
	require.NoError(t, err)
	_, err = postgres.Upsert(testDSN(t)+"&user="+role, "x", sinktest.Columns).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "too many connections")
	require.True(t, sink.IsTemporary(err), "%v", err)
}

func TestTimeoutAndCancel(t *testing.T) {
	dsn := testDSN(t)
	conn := connect(t, dsn)
	name := newTable(t, conn)
	w := openWriter(t, postgres.Upsert(dsn, name, sinktest.Columns, postgres.Timeout(300*time.Millisecond)))
	require.NoError(t, w.Write(t.Context(), one("a", 1)))
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "LOCK TABLE "+name)
	require.NoError(t, err)
	err = w.Write(t.Context(), one("a", 2))
	require.Error(t, err)
	require.True(t, sink.IsTemporary(err), "%v", err)

	reason := errors.New("the job is stopping")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(reason) })
	err = w.Write(ctx, one("a", 2))
	require.ErrorIs(t, err, reason)
	require.False(t, sink.IsTemporary(err))
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, w.Write(t.Context(), one("a", 2)))
}

func TestDatabaseMissing(t *testing.T) {
	_, err := postgres.Upsert(testDSN(t)+"&dbname=no_such_database", "x", sinktest.Columns).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "no_such_database")
	require.False(t, sink.IsTemporary(err))
}
