package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/kafka"
	"github.com/millrace/millrace/sink/postgres"
	"github.com/millrace/millrace/sink/print"
	"github.com/millrace/millrace/sink/sqlite"
	"github.com/millrace/millrace/sink/table"
)

const (
	sessionsTable = "sessions_v1"
	metricsTable  = "session_metrics"
	lateTable     = "late_clicks"
)

// target is where rows go: what a --sink URL says. Its path may hold a password; String does not.
type target struct {
	kind  string // sqlite, postgres, csv, jsonl, kafka or print
	path  string // file, connection string or topic
	table string // of a database
}

const targetForms = "sqlite:PATH?table=T, postgres://...?table=T, csv:PATH, jsonl:PATH, kafka:TOPIC or print:"

// parseTarget reads a --sink URL. A database's table is the given one where the URL names none.
func parseTarget(text, defaultTable string) (target, error) {
	kind, rest, ok := strings.Cut(text, ":")
	t := target{kind: kind, path: rest}
	switch {
	case !ok:
		return t, fmt.Errorf("sink %s: use %s", redact(text), targetForms)
	case kind == "sqlite":
		path, query, _ := strings.Cut(rest, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return t, fmt.Errorf("sink %s: %w", text, err)
		}
		for name := range values {
			if name != "table" {
				return t, fmt.Errorf("sink %s: parameter %s is not known: only table is", text, name)
			}
		}
		t.path, t.table = path, values.Get("table")
	case kind == "postgres" || kind == "postgresql":
		u, err := url.Parse(text)
		if err != nil { // which quotes the password
			return t, errors.New("sink postgres://...: the connection string is not a URL; special characters in user and password are written as %XX")
		}
		q, err := url.ParseQuery(u.RawQuery)
		if err != nil {
			return t, fmt.Errorf("sink %s: %w", redact(text), err)
		}
		t.table = q.Get("table")
		q.Del("table")
		u.RawQuery = q.Encode()
		t.kind, t.path = "postgres", u.String()
	case kind == "csv" || kind == "jsonl" || kind == "kafka":
	case kind == "print":
		if rest != "" {
			return t, fmt.Errorf("sink %s: print: prints here, and has nothing behind it", text)
		}
		return t, nil
	default:
		return t, fmt.Errorf("sink %s: use %s", redact(text), targetForms)
	}
	if t.path == "" {
		return t, fmt.Errorf("sink %s: it has no path: use %s", text, targetForms)
	}
	if t.database() {
		if t.table == "" {
			t.table = defaultTable
		}
		if err := t.checkTable(); err != nil {
			return t, fmt.Errorf("sink %s: %w", t, err)
		}
	}
	return t, nil
}

func (t target) database() bool { return t.kind == "sqlite" || t.kind == "postgres" }
func (t target) file() bool     { return t.kind == "csv" || t.kind == "jsonl" }

// checkTable lets only plain names into SQL; PostgreSQL's may have a schema before them.
func (t target) checkTable() error {
	names := []string{t.table}
	if t.kind == "postgres" {
		names = strings.SplitN(t.table, ".", 2)
	}
	for _, name := range names {
		if err := table.CheckName(name); err != nil {
			return fmt.Errorf("table %q: %w", t.table, err)
		}
	}
	return nil
}

// metrics is where the hourly metrics go that belong to sessions at t: another table, or a file or topic beside it.
func (t target) metrics(tableName string) (target, error) {
	m := t
	switch {
	case t.database():
		m.table = tableName
		if m.table == t.table {
			return m, fmt.Errorf("table %s cannot hold both sessions and metrics: name another by --metrics-table or in the sink's URL", t.table)
		}
		return m, m.checkTable()
	case t.file():
		ext := filepath.Ext(t.path)
		m.path = strings.TrimSuffix(t.path, ext) + "-metrics" + ext
	case t.kind == "kafka":
		m.path += "-metrics"
	}
	return m, nil
}

// String names the target without a password.
func (t target) String() string {
	switch t.kind {
	case "print":
		return "standard output"
	case "kafka":
		return "topic " + t.path
	case "sqlite":
		return "table " + t.table + " of " + t.path
	case "postgres":
		return "table " + t.table + " of " + redact(t.path)
	}
	return t.path
}

// rows is what a target must know of the rows it takes.
type rows[T any] struct {
	columns table.Columns[T]
	key     func(T) string // of a record in Kafka
}

var (
	sessionRows = rows[Session]{sessionColumns, func(s Session) string { return fmt.Sprintf("%s/%d", s.UserID, s.Start) }}
	metricsRows = rows[HourMetrics]{metricsColumns, func(m HourMetrics) string { return fmt.Sprint(m.WindowStart) }}
	lateRows    = rows[LateClick]{lateColumns, func(l LateClick) string { return fmt.Sprintf("%s/%d", l.Split, l.Offset) }}
)

// openTarget makes the sink. The cluster and out are for those that need them.
func openTarget[T any](t target, r rows[T], c *kafkaCluster, out io.Writer) sink.Sink[T] {
	switch t.kind {
	case "sqlite":
		return sqlite.Upsert(t.path, t.table, r.columns)
	case "postgres":
		return postgres.Upsert(t.path, t.table, r.columns)
	case "csv":
		return file.CSV(t.path, r.columns)
	case "jsonl":
		return file.JSONLines(t.path, r.columns)
	case "kafka":
		return kafka.Sink(c.brokers, t.path, kafka.EncoderFunc[T](func(m *kafka.Message, row T) (err error) {
			m.Key = []byte(r.key(row))
			m.Value, err = json.Marshal(row)
			return err
		}), kafka.Connect(c.config))
	default:
		return print.Columns(r.columns, print.To(out))
	}
}
