package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/sqlite"
	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/versiontest"
)

func TestVersionsConformance(t *testing.T) {
	versiontest.Run(t, versiontest.Config{
		Features: versiontest.Features{Readers: true, Rows: true, Replaces: true, Drops: true},
		New: func(t *testing.T) versiontest.Target {
			path := filepath.Join(t.TempDir(), "x.db")
			var readers *sql.DB
			db := func(t testing.TB) *sql.DB {
				if readers == nil {
					readers = openDB(t, path+"?_pragma=busy_timeout(5000)")
				}
				return readers
			}
			return versiontest.Target{
				Open: func(t testing.TB) version.Catalog {
					c, err := sqlite.Versions(path, "first")
					require.NoError(t, err)
					return c
				},
				Place:  func(table, version string) string { return table + "_" + version },
				Reader: func(table string) string { return table },
				Fill: func(t testing.TB, place string, rows []versiontest.Record) {
					exec(t, db(t), `CREATE TABLE "`+place+`" (text TEXT, seq INTEGER, id TEXT, PRIMARY KEY (id, seq))`)
					tx, err := db(t).Begin()
					require.NoError(t, err)
					for _, r := range rows {
						_, err := tx.Exec(`INSERT INTO "`+place+`" VALUES (?, ?, ?)`, r.Text, r.Seq, r.ID)
						require.NoError(t, err)
					}
					require.NoError(t, tx.Commit())
				},
				Read: func(t testing.TB, table string) (records []versiontest.Record, err error) {
					rows, err := db(t).Query(`SELECT id, seq, text FROM "` + table + `"`)
					if err != nil {
						return nil, err
					}
					defer rows.Close()
					for rows.Next() {
						var r versiontest.Record
						if err := rows.Scan(&r.ID, &r.Seq, &r.Text); err != nil {
							return nil, err
						}
						records = append(records, r)
					}
					return records, rows.Err()
				},
				Occupy: func(t testing.TB, table string) {
					exec(t, db(t), `CREATE TABLE "`+table+`" AS SELECT 42 AS mine`)
				},
				Occupied: func(t testing.TB, table string) bool {
					var n int
					require.NoError(t, db(t).QueryRow(`SELECT mine FROM "`+table+`"`).Scan(&n))
					return n == 42
				},
			}
		},
	})
}

func exec(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	_, err := db.Exec(statement, args...)
	require.NoError(t, err)
}
