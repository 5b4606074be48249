package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
)

// readAs is how a column of a type is read, and ordered; other types are read as text, which must then not be part of the key.
var readAs = map[string]struct{ cast, order string }{
	"smallint": {"::bigint", ""}, "integer": {"::bigint", ""}, "bigint": {"", ""},
	"real": {"::float8", ""}, "double precision": {"", ""}, "boolean": {"", ""}, "bytea": {"", ""},
	"timestamp with time zone": {"", ""},
	"text":                     {"", ` COLLATE "C"`}, "character varying": {"::text", ` COLLATE "C"`},
}

// Rows implements version.Reader. A table without a primary key or unique index has no order, and is refused.
func (c *Catalog) Rows(ctx context.Context, name, reader string) (rows version.Rows, err error) {
	place, err := c.place(ctx, name, reader)
	if err != nil {
		return rows, err
	}
	var query string
	err = c.transact(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(t *transaction) (err error) {
		rows.Columns, query, err = t.selection(place)
		return err
	})
	if err != nil {
		return rows, c.explain(err)
	}
	rows.All = func(yield func([]version.Value, error) bool) {
		stopped := false
		err := c.transact(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(t *transaction) (err error) {
			stopped, err = t.each(query, yield)
			return err
		})
		if err != nil && !stopped {
			yield(nil, c.explain(err))
		}
	}
	return rows, nil
}

// selection is the columns of a table, and the query that reads them in the order of its key.
func (t *transaction) selection(place string) (columns []version.Column, query string, err error) {
	conn, target := t.tx.Conn().PgConn(), t.name(place)
	existing, err := ask(t.ctx, conn, columnsSQL, target)
	if err != nil {
		return nil, "", err
	}
	unique, err := ask(t.ctx, conn, uniqueSQL+" ORDER BY 1 DESC, 2", target)
	if err != nil {
		return nil, "", err
	}
	if len(unique) == 0 {
		return nil, "", fmt.Errorf("table %s is not there or has no primary key, so its rows have no order", place)
	}
	key := strings.Split(unique[0][1], ",")
	order := make([]string, len(key))
	var names []string
	for _, e := range existing {
		col := version.Column{Name: e[0], Key: slices.Index(key, e[0]) + 1}
		as, known := readAs[e[1]]
		if !known {
			as.cast = "::text"
		}
		if name := (pgx.Identifier{e[0]}).Sanitize(); col.Key > 0 {
			if !known {
				return nil, "", fmt.Errorf("table %s: the key column %s is %s, which has no order that is known here", place, e[0], e[1])
			}
			order[col.Key-1] = name + as.order
		}
		columns = append(columns, col)
		names = append(names, pgx.Identifier{e[0]}.Sanitize()+as.cast)
	}
	return columns, "SELECT " + strings.Join(names, ", ") + " FROM " + target + " ORDER BY " + strings.Join(order, ", "), nil
}

// each yields the rows of a query; stopped says that the receiver wants no more.
func (t *transaction) each(query string, yield func([]version.Value, error) bool) (stopped bool, err error) {
	rows, err := t.tx.Query(t.ctx, query)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return false, err
		}
		row := make([]version.Value, len(values))
		for i, v := range values {
			row[i] = cell(v)
		}
		if !yield(row, nil) {
			return true, nil
		}
	}
	return false, rows.Err()
}

// cell is what the driver read as a version's value.
func cell(v any) version.Value {
	switch v := v.(type) {
	case int64:
		return version.Int(v)
	case float64:
		return version.Float(v)
	case bool:
		return version.Bool(v)
	case string:
		return version.Text(v)
	case []byte:
		return version.Text(hex.EncodeToString(v))
	case time.Time:
		return version.Text(string(table.AppendTime(nil, v)))
	}
	return version.Value{}
}

// Count implements version.Reader.
func (c *Catalog) Count(ctx context.Context, name, reader string) (n int64, err error) {
	place, err := c.place(ctx, name, reader)
	if err != nil {
		return 0, err
	}
	err = c.transact(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(t *transaction) error {
		return t.tx.QueryRow(ctx, "SELECT count(*) FROM "+t.name(place)).Scan(&n)
	})
	return n, c.explain(err)
}

// place is the table of a version that a reader's name stands for.
func (c *Catalog) place(ctx context.Context, name, reader string) (string, error) {
	l, err := c.List(ctx)
	if err != nil {
		return "", err
	}
	place, err := l.Place(name, reader)
	if err != nil {
		return "", fmt.Errorf("%s: %w", c, err)
	}
	return place, nil
}
