package postgres

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/sink/table"
)

// sqlText is what a Writer says to the server. Names were checked to be plain and are quoted, which keeps their case.
type sqlText struct{ table, create, upsert, delete string }

func statements[T any](tableName string, columns table.Columns[T]) sqlText {
	var names, defs, arrays, keys, keyArrays, match, set []string
	for _, col := range columns.All() {
		name, typ := quoted(col.Name()), sqlTypes[col.Type()]
		names = append(names, name)
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", len(names), typ.name))
		def := name + " " + typ.name
		if !col.IsNullable() {
			def += " NOT NULL"
		}
		defs = append(defs, def)
		if col.IsKey() {
			keys = append(keys, name)
			keyArrays = append(keyArrays, fmt.Sprintf("$%d::%s[]", len(keys), typ.name))
			match = append(match, "t."+name+"=d."+name)
		} else {
			set = append(set, name+"=excluded."+name)
		}
	}
	conflict := " DO NOTHING"
	if len(set) > 0 {
		conflict = " DO UPDATE SET " + strings.Join(set, ",")
	}
	parts := strings.Split(tableName, ".")
	for i := range parts {
		parts[i] = quoted(parts[i])
	}
	target, key := strings.Join(parts, "."), strings.Join(keys, ",")
	return sqlText{
		table:  target,
		create: "CREATE TABLE IF NOT EXISTS " + target + " (" + strings.Join(defs, ", ") + ", PRIMARY KEY (" + key + "))",
		upsert: "INSERT INTO " + target + " (" + strings.Join(names, ",") + ") SELECT * FROM unnest(" + strings.Join(arrays, ",") + ") ON CONFLICT (" + key + ")" + conflict,
		delete: "DELETE FROM " + target + " t USING unnest(" + strings.Join(keyArrays, ",") + ") d(" + key + ") WHERE " + strings.Join(match, " AND "),
	}
}

func quoted(name string) string { return `"` + name + `"` }
