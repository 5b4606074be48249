package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/millrace/millrace/sink/version"
)

const (
	versionsTable = "millrace_versions"
	switchesTable = "millrace_switches"

	versionsColumns = ` (result text NOT NULL, version text NOT NULL, tables jsonb NOT NULL, definition text NOT NULL, job text NOT NULL, consumer_group text NOT NULL,
  log jsonb NOT NULL, caught_up boolean NOT NULL, created timestamptz NOT NULL, updated timestamptz NOT NULL, PRIMARY KEY (result, version))`
	// The last switch of a result says what readers see, and what they saw before.
	switchesColumns = ` (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, result text NOT NULL, at timestamptz NOT NULL DEFAULT now(), from_version text, to_version text NOT NULL)`
)

// transaction is one on the catalog's tables, with what they say of the result.
type transaction struct {
	ctx            context.Context // of the call
	tx             pgx.Tx
	schema, result string
	listing        version.Listing
	taken          []string // places of other results
	backwards      bool     // views are taken in the other order
}

// name is a table's or view's name, quoted, with its schema.
func (t *transaction) name(name string) string {
	schema := t.schema
	if s, n, ok := strings.Cut(name, "."); ok {
		schema, name = s, n
	}
	return pgx.Identifier{schema, name}.Sanitize()
}

func (t *transaction) exec(statement string, args ...any) error {
	_, err := t.tx.Exec(t.ctx, statement, args...)
	return err
}

// begin waits for the turn to change the schema's versions, makes the tables if missing and reads them. wait bounds each wait for a lock.
func (t *transaction) begin(wait time.Duration) error {
	if err := t.exec(fmt.Sprintf("SET LOCAL lock_timeout = %d", wait.Milliseconds())); err != nil {
		return err
	}
	if err := t.exec(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, "millrace versions of "+t.schema); err != nil {
		return err
	}
	for name, columns := range map[string]string{versionsTable: versionsColumns, switchesTable: switchesColumns} {
		o, err := t.object(name)
		if err != nil {
			return err
		}
		if o.kind == "" {
			if err := t.exec("CREATE TABLE " + t.name(name) + columns); err != nil {
				return err
			}
		}
	}
	return t.load()
}

// load reads the entries of the result, and the places of others.
func (t *transaction) load() error {
	rows, err := t.tx.Query(t.ctx, `SELECT result, version, tables::text, definition, job, consumer_group, log::text, caught_up, created, updated FROM `+t.name(versionsTable)+` ORDER BY created, version`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var v version.Version
		var result, tables, log string
		if err := rows.Scan(&result, &v.Name, &tables, &v.Definition, &v.Job, &v.Group, &log, &v.CaughtUp, &v.Created, &v.Updated); err != nil {
			return err
		}
		if err := errors.Join(json.Unmarshal([]byte(tables), &v.Tables), json.Unmarshal([]byte(log), &v.Log)); err != nil {
			return fmt.Errorf("the entry of version %s of %s: %w", v.Name, result, err)
		}
		v.Created, v.Updated = v.Created.UTC(), v.Updated.UTC()
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
	err = t.tx.QueryRow(t.ctx, `SELECT coalesce(from_version, ''), to_version FROM `+t.name(switchesTable)+` WHERE result = $1 ORDER BY id DESC LIMIT 1`, t.result).
		Scan(&t.listing.Previous, &t.listing.Current)
	if errors.Is(err, pgx.ErrNoRows) {
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
	return t.exec(`INSERT INTO `+t.name(versionsTable)+` (result, version, tables, definition, job, consumer_group, log, caught_up, created, updated)
VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7::jsonb, $8, $9, $10)
ON CONFLICT (result, version) DO UPDATE SET tables = excluded.tables, definition = excluded.definition, job = excluded.job, consumer_group = excluded.consumer_group,
  log = excluded.log, caught_up = excluded.caught_up, created = excluded.created, updated = excluded.updated`,
		t.result, v.Name, string(tables), v.Definition, v.Job, v.Group, string(log), v.CaughtUp, v.Created, v.Updated)
}

// forget removes the entry of a version, which nobody goes back to any more.
func (t *transaction) forget(name string) error {
	if err := t.exec(`DELETE FROM `+t.name(versionsTable)+` WHERE result = $1 AND version = $2`, t.result, name); err != nil {
		return err
	}
	switches := t.name(switchesTable)
	return t.exec(`UPDATE `+switches+` SET from_version = NULL WHERE from_version = $2 AND id = (SELECT max(id) FROM `+switches+` WHERE result = $1)`, t.result, name)
}
