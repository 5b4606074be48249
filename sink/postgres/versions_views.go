package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millrace/millrace/sink/version"
)

// mark is the comment on a view that a catalog made: by it the view is told from one of the user's own.
const mark = "made by millrace: a switch of versions replaces it"

// object is what stands under a name.
type object struct {
	kind    string // relkind; "" for nothing
	comment string
	options string // of a view, as they stand in WITH (...)
	owner   string
}

func (t *transaction) object(name string) (o object, err error) {
	err = t.tx.QueryRow(t.ctx, `SELECT relkind::text, coalesce(obj_description(oid, 'pg_class'), ''), coalesce(array_to_string(reloptions, ', '), ''), pg_get_userbyid(relowner)
FROM pg_class WHERE oid = to_regclass($1)`, t.name(name)).Scan(&o.kind, &o.comment, &o.options, &o.owner)
	if errors.Is(err, pgx.ErrNoRows) {
		return o, nil
	}
	return o, err
}

// order is that in which views are taken: the result's own first, as most readers do, then by their names; or all backwards. A reader that holds the view that is
// taken last and waits for the one that is taken first stands in the way until the switch gives up; in the reader's own order the switch only waits for its turn.
func (t *transaction) order(v version.Version) []string {
	readers := v.Readers()
	slices.SortStableFunc(readers, func(a, b string) int {
		mine := func(reader string) int {
			if reader[strings.IndexByte(reader, '.')+1:] == t.result {
				return 0
			}
			return 1
		}
		return mine(a) - mine(b)
	})
	if t.backwards {
		slices.Reverse(readers)
	}
	return readers
}

// show makes the readers' views of v, over the given tables, in place of those of old, which may be the zero value.
func (t *transaction) show(old, v version.Version, tables map[string]string) error {
	for _, reader := range t.order(old) {
		if _, stays := tables[reader]; stays {
			continue
		}
		switch o, err := t.mine(reader); {
		case err != nil:
			return err
		case o.kind == "": // somebody has dropped it
			continue
		}
		if err := t.drop(reader); err != nil {
			return err
		}
	}
	for _, reader := range t.order(v) {
		if o, err := t.object(tables[reader]); err != nil || o.kind != "r" && o.kind != "p" {
			return errors.Join(err, fmt.Errorf("version %s: there is no table %s: its job has not begun to write", v.Name, tables[reader]))
		}
		if err := t.view(reader, tables[reader]); err != nil {
			return fmt.Errorf("view %s: %w", reader, err)
		}
	}
	return nil
}

// mine is the catalog's view of that name, or nothing; anything else is an error.
func (t *transaction) mine(reader string) (object, error) {
	o, err := t.object(reader)
	if err == nil && o.kind != "" && (o.kind != "v" || o.comment != mark) {
		return o, fmt.Errorf("%s is there, and this catalog did not make it: %w; rename it, or give the result another name", reader, version.ErrTaken)
	}
	return o, err
}

// view makes the reader's view, or moves it.
func (t *transaction) view(reader, place string) error {
	o, err := t.mine(reader)
	if err != nil {
		return err
	}
	with := ""
	if o.options != "" {
		with = " WITH (" + o.options + ")"
	}
	create := " VIEW " + t.name(reader) + with + " AS SELECT * FROM " + t.name(place)
	if o.kind == "" {
		return t.execAll("CREATE"+create, "COMMENT ON VIEW "+t.name(reader)+" IS '"+mark+"'")
	}
	// A savepoint, since an error would be the end of the transaction.
	err = pgx.BeginFunc(t.ctx, t.tx, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.ctx, "CREATE OR REPLACE"+create)
		return err
	})
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "42P16" { // invalid_table_definition: its columns are others
		return err
	}
	grants, err := t.grants(reader)
	if err != nil {
		return err
	}
	if err := t.drop(reader); err != nil {
		return err
	}
	statements := append([]string{"CREATE" + create, "COMMENT ON VIEW " + t.name(reader) + " IS '" + mark + "'"}, grants...)
	return t.execAll(append(statements, "ALTER VIEW "+t.name(reader)+" OWNER TO "+pgx.Identifier{o.owner}.Sanitize())...)
}

func (t *transaction) execAll(statements ...string) error {
	for _, s := range statements {
		if err := t.exec(s); err != nil {
			return err
		}
	}
	return nil
}

// drop removes a view that nothing depends on.
func (t *transaction) drop(reader string) error {
	err := t.exec("DROP VIEW " + t.name(reader))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "2BP01" {
		return fmt.Errorf("its columns change, and other objects depend on it (%s): drop them before the switch: %w", strings.ReplaceAll(pg.Detail, "\n", "; "), err)
	}
	return err
}

// grants are the statements that grant on the view what is granted on it now.
func (t *transaction) grants(reader string) (statements []string, err error) {
	var columns []string
	err = t.tx.QueryRow(t.ctx, `SELECT coalesce(array_agg(attname::text), '{}') FROM pg_attribute WHERE attrelid = to_regclass($1) AND attacl IS NOT NULL`, t.name(reader)).Scan(&columns)
	if err != nil {
		return nil, err
	}
	if len(columns) > 0 {
		return nil, fmt.Errorf("its columns change, and there are grants on single ones (%s): grant on the whole view instead", strings.Join(columns, ", "))
	}
	rows, err := t.tx.Query(t.ctx, `SELECT a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, a.is_grantable
FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = to_regclass($1) AND a.grantee <> c.relowner ORDER BY 1, 2`, t.name(reader))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (statement string, err error) {
		var privilege, grantee string
		var grantable bool
		err = row.Scan(&privilege, &grantee, &grantable)
		statement = "GRANT " + privilege + " ON " + t.name(reader) + " TO " + grantee
		if grantable {
			statement += " WITH GRANT OPTION"
		}
		return statement, err
	})
}
