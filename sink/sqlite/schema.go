package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/millrace/millrace/sink/table"
)

// ErrSchema is returned by Open when the table that exists is not the one that the columns describe.
var ErrSchema = errors.New("the existing table does not fit the columns")

// found is a column of an existing table, as PRAGMA table_info tells it.
type found struct {
	name, declared string
	notNull        bool
	hasDefault     bool
	inPrimaryKey   bool
}

// verify compares the table in the file with the columns and tells all differences at once.
func verify[T any](ctx context.Context, conn driver.Conn, tableName string, columns table.Columns[T]) error {
	existing, err := tableColumns(ctx, conn, tableName)
	if err != nil {
		return err
	}
	var problems []string
	wanted := make(map[string]bool)
	for _, col := range columns.All() {
		wanted[strings.ToLower(col.Name())] = true
		i := slices.IndexFunc(existing, func(f found) bool { return strings.EqualFold(f.name, col.Name()) })
		switch {
		case i < 0:
			problems = append(problems, fmt.Sprintf("column %s is missing", col.Name()))
		case affinity(existing[i].declared) != declared(col.Type()):
			problems = append(problems, fmt.Sprintf("column %s is declared %q, wanted %s", col.Name(), existing[i].declared, declared(col.Type())))
		case existing[i].notNull && col.IsNullable():
			problems = append(problems, fmt.Sprintf("column %s is NOT NULL, but rows may have null there", col.Name()))
		}
	}
	var primary []string
	for _, f := range existing {
		if f.inPrimaryKey {
			primary = append(primary, f.name)
		}
		if !wanted[strings.ToLower(f.name)] && f.notNull && !f.hasDefault {
			problems = append(problems, fmt.Sprintf("column %s is NOT NULL without a default, and rows have no value for it", f.name))
		}
	}
	var key []string
	for _, col := range columns.Keys() {
		key = append(key, col.Name())
	}
	if !sameNames(primary, key) {
		unique, err := uniqueOn(ctx, conn, tableName, key)
		if err != nil {
			return err
		}
		if !unique {
			problems = append(problems, fmt.Sprintf("the primary key is (%s), wanted (%s)", strings.Join(primary, ", "), strings.Join(key, ", ")))
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("%w: %s; write to another table or alter this one", ErrSchema, strings.Join(problems, "; "))
	}
	return nil
}

func tableColumns(ctx context.Context, conn driver.Conn, tableName string) ([]found, error) {
	var columns []found
	err := query(ctx, conn, "PRAGMA table_info("+quoted(tableName)+")", func(row []driver.Value) {
		columns = append(columns, found{
			name:         text(row[1]),
			declared:     text(row[2]),
			notNull:      number(row[3]) != 0,
			hasDefault:   row[4] != nil,
			inPrimaryKey: number(row[5]) != 0,
		})
	})
	return columns, err
}

// uniqueOn reports whether a unique index has exactly these columns, which is all that ON CONFLICT needs.
func uniqueOn(ctx context.Context, conn driver.Conn, tableName string, key []string) (bool, error) {
	var indexes []string
	err := query(ctx, conn, "PRAGMA index_list("+quoted(tableName)+")", func(row []driver.Value) {
		if unique, partial := number(row[2]) != 0, number(row[4]) != 0; unique && !partial {
			indexes = append(indexes, text(row[1]))
		}
	})
	if err != nil {
		return false, err
	}
	for _, index := range indexes {
		var names []string
		sql := `PRAGMA index_info("` + strings.ReplaceAll(index, `"`, `""`) + `")`
		if err := query(ctx, conn, sql, func(row []driver.Value) { names = append(names, text(row[2])) }); err != nil {
			return false, err
		}
		if sameNames(names, key) {
			return true, nil
		}
	}
	return false, nil
}

func sameNames(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, name := range a {
		if !slices.ContainsFunc(b, func(other string) bool { return strings.EqualFold(name, other) }) {
			return false
		}
	}
	return true
}

func query(ctx context.Context, conn driver.Conn, sql string, each func(row []driver.Value)) error {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, sql, nil)
	if err != nil {
		return err
	}
	row := make([]driver.Value, len(rows.Columns()))
	for {
		err := rows.Next(row)
		if errors.Is(err, io.EOF) {
			return rows.Close()
		}
		if err != nil {
			return errors.Join(err, rows.Close())
		}
		each(row)
	}
}

func text(v driver.Value) string {
	s, _ := v.(string)
	return s
}

func number(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}
