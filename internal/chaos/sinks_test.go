//go:build integration

package chaos

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/kafka"
	"github.com/millrace/millrace/sink/postgres"
	"github.com/millrace/millrace/sink/sqlite"
	"github.com/millrace/millrace/sink/table"
)

// kind is a sink whose promise is tested.
type kind struct {
	name      string
	part      string // of the table of figures
	appends   bool   // rows cannot be taken back, so each must come exactly once
	topics    bool   // results are topics
	compacted bool   // which keep the latest row of a key
	postgres  bool   // the database is needed
	files     bool   // results are on the job's disk
	fences    bool   // a process that was replaced cannot write any more
	open      func(s jobSpec, result string) sink.Sink[row]
	read      func(ctx context.Context, direct jobSpec, result string) ([]row, error)
}

var kinds = []kind{
	{name: "postgres", part: "PostgreSQL, upserts", postgres: true, open: openPostgres, read: readPostgres},
	{name: "sqlite", part: "SQLite, upserts", files: true, open: openSQLite, read: readSQLite},
	{name: "files", part: "files, whole ones", appends: true, files: true, open: openFiles, read: readFiles},
	{name: "kafka", part: "Kafka, at least once, latest row by key", topics: true, compacted: true, open: openKafka, read: readLatest},
	{name: "kafka-exactly-once", part: "Kafka, exactly once, as readers at read_committed see it", appends: true, topics: true, fences: true, open: openTransactions, read: readCommitted},
}

func kindOf(name string) (kind, error) {
	for _, k := range kinds {
		if k.name == name {
			return k, nil
		}
	}
	return kind{}, fmt.Errorf("no kind of sink is called %q", name)
}

var columns = table.Of(
	table.Key(table.Text("key", func(r row) string { return r.Key })),
	table.Text("value", func(r row) string { return r.Value }),
)

// sinks are those of the job, by result.
func (s jobSpec) sinks() (map[string]sink.Sink[row], error) {
	k, err := kindOf(s.Sink)
	if err != nil {
		return nil, err
	}
	all := map[string]sink.Sink[row]{}
	for _, result := range s.results() {
		all[result] = k.open(s, result)
	}
	return all, nil
}

func (s jobSpec) results() []string {
	if s.Local {
		return []string{sessionsOut, lateOut}
	}
	return []string{sessionsOut, lateOut, hoursOut}
}

// table is the name of a result's table or topic.
func (s jobSpec) table(result string) string { return s.Name + "_" + result }

func openPostgres(s jobSpec, result string) sink.Sink[row] {
	return postgres.Upsert(s.DSN, s.table(result), columns, postgres.BatchRows(200), postgres.Timeout(5*time.Second))
}

func readPostgres(ctx context.Context, s jobSpec, result string) ([]row, error) {
	db, err := pgx.Connect(ctx, s.DSN)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close(ctx) }() // only read
	rows, err := db.Query(ctx, `SELECT key, value FROM `+s.table(result))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[row])
}

func (s jobSpec) sqliteFile() string { return filepath.Join(s.Dir, "out.db") }

func openSQLite(s jobSpec, result string) sink.Sink[row] {
	return sqlite.Upsert(s.sqliteFile(), s.table(result), columns, sqlite.BatchRows(200))
}

func readSQLite(ctx context.Context, s jobSpec, result string) (all []row, err error) {
	db, err := sql.Open("sqlite", s.sqliteFile())
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT key, value FROM `+s.table(result))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.Key, &r.Value); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func openFiles(s jobSpec, result string) sink.Sink[row] {
	return file.LinesDir(filepath.Join(s.Dir, result), ".txt", func(dst []byte, r row) ([]byte, error) {
		return fmt.Appendf(dst, "%s\t%s", r.Key, r.Value), nil
	})
}

func readFiles(_ context.Context, s jobSpec, result string) (all []row, err error) {
	dir := filepath.Join(s.Dir, result)
	if _, err := os.Stat(filepath.Join(dir, "_SUCCESS")); err != nil {
		return nil, fmt.Errorf("the result is not marked as complete: %w", err)
	}
	parts, err := filepath.Glob(filepath.Join(dir, "part-*.txt"))
	if err != nil {
		return nil, err
	}
	for _, path := range parts {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(text) {
			key, value, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\t")
			if !ok {
				return nil, fmt.Errorf("%s has the line %q", path, line)
			}
			all = append(all, row{key, value})
		}
	}
	return all, nil
}

var encodeRow = kafka.EncoderFunc[row](func(m *kafka.Message, r row) error {
	m.Key, m.Value = []byte(r.Key), []byte(r.Value)
	return nil
})

func openKafka(s jobSpec, result string) sink.Sink[row] {
	return kafka.Sink([]string{s.Brokers}, s.table(result), encodeRow)
}

// readLatest is what a compacted topic comes to: the last row of each key, unless that is a tombstone.
func readLatest(ctx context.Context, s jobSpec, result string) ([]row, error) {
	messages, err := readTopic(ctx, s.Brokers, s.table(result), sarama.ReadUncommitted)
	if err != nil {
		return nil, err
	}
	latest := map[string][]byte{}
	for _, m := range messages {
		if m.Value == nil {
			delete(latest, string(m.Key))
		} else {
			latest[string(m.Key)] = m.Value
		}
	}
	var all []row
	for key, value := range latest {
		all = append(all, row{key, string(value)})
	}
	return all, nil
}

func openTransactions(s jobSpec, result string) sink.Sink[row] {
	return kafka.Sink([]string{s.Brokers}, s.table(result), encodeRow, kafka.ExactlyOnce())
}

// readCommitted is every row that a reader sees who leaves out what was not committed.
func readCommitted(ctx context.Context, s jobSpec, result string) (all []row, err error) {
	messages, err := readTopic(ctx, s.Brokers, s.table(result), sarama.ReadCommitted)
	for _, m := range messages {
		all = append(all, row{string(m.Key), string(m.Value)})
	}
	return all, err
}
