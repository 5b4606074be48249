//go:build integration

package servers

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

func TestPostgresKeepsDataAcrossRestart(t *testing.T) {
	p, err := StartPostgres(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Stop()) })
	dsn := p.DSN()
	query := func(sql string) [][]byte {
		conn, err := pgconn.Connect(t.Context(), dsn)
		require.NoError(t, err)
		defer conn.Close(t.Context())
		results, err := conn.Exec(t.Context(), sql).ReadAll()
		require.NoError(t, err)
		if last := results[len(results)-1]; len(last.Rows) > 0 {
			return last.Rows[0]
		}
		return nil
	}
	query("CREATE TABLE kept (v bigint); INSERT INTO kept VALUES (7)")
	require.Equal(t, "on", string(query("SHOW fsync")[0]))
	require.NoError(t, p.Restart(t.Context()))
	require.Equal(t, dsn, p.DSN())
	require.Equal(t, "7", string(query("SELECT v FROM kept")[0]))
	require.NoError(t, p.Stop())
	require.NoError(t, p.Stop(), "stopping twice")
	_, err = pgconn.Connect(t.Context(), dsn)
	require.Error(t, err)
	require.NoError(t, p.Restart(t.Context()), "starting a stopped server")
}

func TestPostgresStartErrorShowsLog(t *testing.T) {
	p, err := StartPostgres(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Stop()) })
	other := *p
	other.port, err = freeLoopbackPort()
	require.NoError(t, err)
	require.ErrorContains(t, other.start(t.Context()), "postmaster.pid", "two servers on one data directory")
}
