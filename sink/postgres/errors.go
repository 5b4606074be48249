package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millrace/millrace/sink"
)

// detailShown is how much of the server's explanation is passed on, in bytes: it may hold a whole row.
const detailShown = 200

// explain names the sink and server, and marks what the engine should retry. ctx is the caller's own.
func (w *writer[T]) explain(ctx context.Context, err error) error {
	where := fmt.Sprintf("%s on %s:%d/%s", w.sink, w.server.Host, w.server.Port, w.server.Database)
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", where, context.Cause(ctx))
	}
	temporary := isTemporary(err)
	err = fmt.Errorf("%s: %w%s", where, err, details(err))
	if temporary {
		return sink.Temporary(err)
	}
	return err
}

// details is what the server says beyond its message.
func details(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return ""
	}
	var out strings.Builder
	if pg.ColumnName != "" {
		out.WriteString("; column " + pg.ColumnName)
	}
	if pg.ConstraintName != "" {
		out.WriteString("; constraint " + pg.ConstraintName)
	}
	if pg.Detail != "" {
		fmt.Fprintf(&out, "; %.*s", detailShown, pg.Detail)
	}
	return out.String()
}

// isTemporary reports whether waiting may mend the error. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
func isTemporary(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "57P01", "57P02", "57P03", "57P05", // shutdown, crash, starting up, idle session
			"57014",          // canceled, by a timeout for example
			"55P03", "55006", // lock not available, object in use
			"25006", // read-only: what was the primary is a standby now
			"26000": // the prepared statement is gone: a pooler gave us another server connection
			return true
		}
		class := pg.Code[:min(2, len(pg.Code))]
		return class == "08" || class == "40" || class == "53" // connection, rollback (serialization, deadlock), resources
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, net.ErrClosed) || pgconn.Timeout(err) || errors.Is(err, context.DeadlineExceeded)
}

// breaksConnection reports whether the next Write needs another connection.
func breaksConnection(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return isTemporary(err)
	}
	return pg.SeverityUnlocalized == "FATAL" || pg.SeverityUnlocalized == "PANIC" || pg.Code == "25006" || pg.Code == "26000"
}

// isData reports whether the server refused a value, so that one row is to blame; 54000 is an index entry that is too long.
func isData(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23") || pg.Code == "54000")
}
