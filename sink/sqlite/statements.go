package sqlite

import (
	"strings"

	"github.com/millrace/millrace/sink/table"
)

// sqlText is what a Writer says to SQLite. Names were checked to be plain and are quoted, since they may be words of SQL.
type sqlText struct{ create, upsert, delete string }

func statements[T any](tableName string, columns table.Columns[T]) sqlText {
	var names, marks, defs, keys, match, set []string
	for _, col := range columns.All() {
		name := quoted(col.Name())
		names = append(names, name)
		marks = append(marks, "?")
		def := name + " " + declared(col.Type())
		if !col.IsNullable() {
			def += " NOT NULL"
		}
		defs = append(defs, def)
		if col.IsKey() {
			keys = append(keys, name)
			match = append(match, name+"=?")
		} else {
			set = append(set, name+"=excluded."+name)
		}
	}
	table, key := quoted(tableName), strings.Join(keys, ",")
	conflict := " DO NOTHING"
	if len(set) > 0 {
		conflict = " DO UPDATE SET " + strings.Join(set, ",")
	}
	return sqlText{
		create: "CREATE TABLE IF NOT EXISTS " + table + " (" + strings.Join(defs, ", ") + ", PRIMARY KEY (" + key + "))",
		upsert: "INSERT INTO " + table + " (" + strings.Join(names, ",") + ") VALUES (" + strings.Join(marks, ",") + ") ON CONFLICT (" + key + ")" + conflict,
		delete: "DELETE FROM " + table + " WHERE " + strings.Join(match, " AND "),
	}
}

func quoted(name string) string { return `"` + name + `"` }

// declared is the type that a column is created with.
func declared(t table.Type) string {
	switch t {
	case table.IntType, table.BoolType:
		return "INTEGER"
	case table.FloatType:
		return "REAL"
	case table.BytesType:
		return "BLOB"
	}
	return "TEXT"
}

// affinity is SQLite's rule for what a declared type holds (https://www.sqlite.org/datatype3.html, section 3.1).
func affinity(declared string) string {
	upper := strings.ToUpper(declared)
	contains := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(upper, p) {
				return true
			}
		}
		return false
	}
	switch {
	case contains("INT"):
		return "INTEGER"
	case contains("CHAR", "CLOB", "TEXT"):
		return "TEXT"
	case contains("BLOB"), upper == "":
		return "BLOB"
	case contains("REAL", "FLOA", "DOUB"):
		return "REAL"
	}
	return "NUMERIC"
}
