package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millrace/millrace/sink/table"
)

// ErrSchema is returned by Open, and by a Write that connected again, when the table that exists is not the one that the columns describe.
var ErrSchema = errors.New("the existing table does not fit the columns")

const (
	kindSQL    = `SELECT c.relkind::text FROM pg_class c WHERE c.oid = to_regclass($1)`
	columnsSQL = `SELECT a.attname::text, format_type(a.atttypid, NULL), a.attnotnull, a.atthasdef OR a.attidentity <> '', a.attgenerated <> ''
FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`
	// The unique indexes that ON CONFLICT can use, with their columns.
	uniqueSQL = `SELECT i.indisprimary, (SELECT string_agg(a.attname::text, ',' ORDER BY k.place) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(num, place)
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num WHERE k.place <= i.indnkeyatts)
FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL`
	lockSQL = `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`
)

// ensureTable makes the table if it is missing. Two sessions that create one table at the same time collide in the catalogue, so they take turns by an advisory lock,
// which ends with the transaction.
func ensureTable(ctx context.Context, conn *pgconn.PgConn, sql sqlText) error {
	kind, err := ask(ctx, conn, kindSQL, sql.table)
	if err != nil || len(kind) > 0 {
		return err
	}
	batch := &pgconn.Batch{}
	batch.ExecParams(lockSQL, [][]byte{[]byte(sql.table)}, nil, nil, nil)
	batch.ExecParams(sql.create, nil, nil, nil, nil)
	if err := conn.ExecBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("creating the table: %w", err)
	}
	return nil
}

// verify compares the table with the columns and tells all differences at once.
func verify[T any](ctx context.Context, conn *pgconn.PgConn, target string, columns table.Columns[T]) error {
	kind, err := ask(ctx, conn, kindSQL, target)
	if err != nil {
		return err
	}
	if len(kind) == 0 {
		return fmt.Errorf("%w: there is no table %s", ErrSchema, target)
	}
	if k := kind[0][0]; k != "r" && k != "p" {
		return fmt.Errorf("%w: %s is not a table (relkind %q)", ErrSchema, target, k)
	}
	existing, err := ask(ctx, conn, columnsSQL, target)
	if err != nil {
		return err
	}
	problems := compareColumns(existing, columns)
	unique, err := ask(ctx, conn, uniqueSQL, target)
	if err != nil {
		return err
	}
	if problem := compareKey(unique, columns); problem != "" {
		problems = append(problems, problem)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%w: %s; write to another table or alter this one", ErrSchema, strings.Join(problems, "; "))
	}
	return nil
}

// compareColumns takes the rows of columnsSQL.
func compareColumns[T any](existing [][]string, columns table.Columns[T]) (problems []string) {
	wanted := make(map[string]bool)
	for _, col := range columns.All() {
		wanted[col.Name()] = true
		typ := sqlTypes[col.Type()]
		i := slices.IndexFunc(existing, func(e []string) bool { return e[0] == col.Name() })
		if i < 0 {
			problems = append(problems, fmt.Sprintf("column %s is missing", col.Name()))
			continue
		}
		if has := existing[i][1]; !slices.Contains(typ.accept, has) {
			problems = append(problems, fmt.Sprintf("column %s is %s, wanted %s", col.Name(), has, typ.name))
		}
		if existing[i][2] == "t" && col.IsNullable() {
			problems = append(problems, fmt.Sprintf("column %s is NOT NULL, but rows may have null there", col.Name()))
		}
		if existing[i][4] == "t" {
			problems = append(problems, fmt.Sprintf("column %s is generated", col.Name()))
		}
	}
	for _, e := range existing {
		if !wanted[e[0]] && e[2] == "t" && e[3] == "f" {
			problems = append(problems, fmt.Sprintf("column %s is NOT NULL without a default, and rows have no value for it", e[0]))
		}
	}
	return problems
}

// compareKey takes the rows of uniqueSQL.
func compareKey[T any](unique [][]string, columns table.Columns[T]) string {
	var key []string
	for _, col := range columns.Keys() {
		key = append(key, col.Name())
	}
	wanted := slices.Sorted(slices.Values(key))
	primary := "there is no primary key"
	for _, index := range unique {
		names := strings.Split(index[1], ",")
		if slices.Equal(slices.Sorted(slices.Values(names)), wanted) {
			return ""
		}
		if index[0] == "t" {
			primary = "the primary key is (" + strings.Join(names, ", ") + ")"
		}
	}
	return primary + ", wanted (" + strings.Join(key, ", ") + ")"
}

// ask runs a query with one text parameter; null becomes the empty string.
func ask(ctx context.Context, conn *pgconn.PgConn, sql, param string) ([][]string, error) {
	result := conn.ExecParams(ctx, sql, [][]byte{[]byte(param)}, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, result.Err
	}
	rows := make([][]string, len(result.Rows))
	for i, row := range result.Rows {
		for _, value := range row {
			rows[i] = append(rows[i], string(value))
		}
	}
	return rows, nil
}
