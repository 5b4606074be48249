package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
)

const versionsTable = "millrace_versions"

const (
	createVersions = `CREATE TABLE IF NOT EXISTS millrace_versions (result TEXT NOT NULL, version TEXT NOT NULL, tables TEXT NOT NULL, definition TEXT NOT NULL, job TEXT NOT NULL,
  consumer_group TEXT NOT NULL, log TEXT NOT NULL, caught_up INTEGER NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL, PRIMARY KEY (result, version))`
	// The last switch of a result says what readers see, and what they saw before.
	createSwitches = `CREATE TABLE IF NOT EXISTS millrace_switches (id INTEGER PRIMARY KEY, result TEXT NOT NULL, at TEXT NOT NULL, from_version TEXT, to_version TEXT NOT NULL)`
)

// transaction is one on the catalog's tables, with what they say of the result.
type transaction struct {
	ctx     context.Context //nolint:containedctx // it lives as long as the call
	conn    *sql.Conn
	result  string
	listing version.Listing
	taken   []string // places of other results
}

func (t *transaction) exec(statements ...string) error {
	for _, s := range statements {
		if _, err := t.conn.ExecContext(t.ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// load reads the entries of the result, and the places of others.
func (t *transaction) load() error {
	rows, err := t.conn.QueryContext(t.ctx, `SELECT result, version, tables, definition, job, consumer_group, log, caught_up, created, updated FROM millrace_versions ORDER BY created, version`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var v version.Version
		var result, tables, log, created, updated string
		if err := rows.Scan(&result, &v.Name, &tables, &v.Definition, &v.Job, &v.Group, &log, &v.CaughtUp, &created, &updated); err != nil {
			return err
		}
		var errs [4]error
		errs[0], errs[1] = json.Unmarshal([]byte(tables), &v.Tables), json.Unmarshal([]byte(log), &v.Log)
		v.Created, errs[2] = time.Parse(time.RFC3339, created)
		v.Updated, errs[3] = time.Parse(time.RFC3339, updated)
		if err := errors.Join(errs[:]...); err != nil {
			return fmt.Errorf("the entry of version %s of %s: %w", v.Name, result, err)
		}
		if result == t.result {
			t.listing.Versions = append(t.listing.Versions, v)
			continue
		}
		for _, place := range v.Tables {
			t.taken = append(t.taken, place)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	err = t.conn.QueryRowContext(t.ctx, `SELECT coalesce(from_version, ''), to_version FROM millrace_switches WHERE result = ? ORDER BY id DESC LIMIT 1`, t.result).
		Scan(&t.listing.Previous, &t.listing.Current)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// save writes the entry of a version.
func (t *transaction) save(v version.Version) error {
	tables, err := json.Marshal(v.Tables)
	if err != nil {
		return err
	}
	log, err := json.Marshal(v.Log)
	if err != nil {
		return err
	}
	_, err = t.conn.ExecContext(t.ctx, `INSERT OR REPLACE INTO millrace_versions (result, version, tables, definition, job, consumer_group, log, caught_up, created, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, t.result, v.Name, string(tables), v.Definition, v.Job, v.Group, string(log), v.CaughtUp, instant(v.Created), instant(v.Updated))
	return err
}

// forget removes the entry of a version, which nobody goes back to any more.
func (t *transaction) forget(name string) error {
	if _, err := t.conn.ExecContext(t.ctx, `DELETE FROM millrace_versions WHERE result = ? AND version = ?`, t.result, name); err != nil {
		return err
	}
	_, err := t.conn.ExecContext(t.ctx, `UPDATE millrace_switches SET from_version = NULL WHERE from_version = ? AND id = (SELECT max(id) FROM millrace_switches WHERE result = ?)`, name, t.result)
	return err
}

// remember adds a switch to the history.
func (t *transaction) remember(from, to string) error {
	_, err := t.conn.ExecContext(t.ctx, `INSERT INTO millrace_switches (result, at, from_version, to_version) VALUES (?, ?, nullif(?, ''), ?)`, t.result, instant(time.Now()), from, to)
	return err
}

func instant(at time.Time) string { return string(table.AppendTime(nil, at)) }

// kind is what stands under a name: table, view or index; "" for nothing.
func (t *transaction) kind(name string) (kind string, err error) {
	kind, _, err = t.object(name)
	return kind, err
}

func (t *transaction) object(name string) (kind, text string, err error) {
	err = t.conn.QueryRowContext(t.ctx, `SELECT type, coalesce(sql, '') FROM sqlite_master WHERE name = ? COLLATE NOCASE`, name).Scan(&kind, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	return kind, text, err
}

// mark tells a view that a catalog made from one of the user's own.
const mark = "/* made by millrace: a switch of versions replaces it */"

// show makes the views of v in place of those of old, which may be the zero value.
func (t *transaction) show(old, v version.Version) error {
	for _, reader := range old.Readers() {
		if _, stays := v.Tables[reader]; !stays {
			if err := t.clear(reader); err != nil {
				return err
			}
		}
	}
	for _, reader := range v.Readers() {
		if err := table.CheckName(reader); err != nil {
			return err
		}
		place := v.Tables[reader]
		if kind, err := t.kind(place); err != nil || kind != "table" {
			return errors.Join(err, fmt.Errorf("version %s: there is no table %s: its job has not begun to write", v.Name, place))
		}
		if err := t.clear(reader); err != nil {
			return err
		}
		if err := t.exec("CREATE VIEW " + quoted(reader) + " AS " + mark + " SELECT * FROM " + quoted(place)); err != nil {
			return err
		}
	}
	return nil
}

// clear removes the catalog's view of that name; anything else stays, and is an error.
func (t *transaction) clear(reader string) error {
	kind, text, err := t.object(reader)
	if err != nil || kind == "" {
		return err
	}
	if kind != "view" || !strings.Contains(text, mark) {
		return fmt.Errorf("%s is a %s that this catalog did not make: %w; rename it, or give the result another name", reader, kind, version.ErrTaken)
	}
	return t.exec("DROP VIEW " + quoted(reader))
}
