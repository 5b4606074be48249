package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
)

// Rows implements version.Reader. A table without a primary key has no order, and is refused.
func (c *Catalog) Rows(ctx context.Context, name, reader string) (rows version.Rows, err error) {
	place, err := c.place(ctx, name, reader)
	if err != nil {
		return rows, err
	}
	var names, order []string
	err = c.transact(ctx, "BEGIN", func(t *transaction) error {
		info, err := t.conn.QueryContext(ctx, "SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", place)
		if err != nil {
			return err
		}
		defer info.Close()
		for info.Next() {
			var col version.Column
			if err := info.Scan(&col.Name, &col.Key); err != nil {
				return err
			}
			rows.Columns = append(rows.Columns, col)
			names = append(names, doubled(col.Name))
		}
		return info.Err()
	})
	if err != nil {
		return rows, err
	}
	for _, k := range rows.Keys() {
		order = append(order, names[k]+" COLLATE BINARY")
	}
	if len(order) == 0 {
		return rows, fmt.Errorf("%s: table %s is not there or has no primary key, so its rows have no order", c, place)
	}
	query := "SELECT " + strings.Join(names, ", ") + " FROM " + quoted(place) + " ORDER BY " + strings.Join(order, ", ")
	rows.All = func(yield func([]version.Value, error) bool) {
		stopped := false
		err := c.transact(ctx, "BEGIN", func(t *transaction) (err error) {
			stopped, err = t.each(query, len(names), yield)
			return err
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
	return rows, nil
}

// each yields the rows of a query; stopped says that the receiver wants no more.
func (t *transaction) each(query string, columns int, yield func([]version.Value, error) bool) (stopped bool, err error) {
	rows, err := t.conn.QueryContext(t.ctx, query)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	raw := make([]driver.Value, columns)
	into := make([]any, columns)
	for i := range raw {
		into[i] = &raw[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return false, err
		}
		row := make([]version.Value, columns)
		for i, v := range raw {
			row[i] = cell(v)
		}
		if !yield(row, nil) {
			return true, nil
		}
	}
	return false, rows.Err()
}

// cell is what the driver read as a version's value.
func cell(v driver.Value) version.Value {
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
	err = c.transact(ctx, "BEGIN", func(t *transaction) error {
		return t.conn.QueryRowContext(ctx, "SELECT count(*) FROM "+quoted(place)).Scan(&n)
	})
	return n, err
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

// doubled quotes a name that was not checked to be plain.
func doubled(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
