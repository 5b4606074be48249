package main

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/millrace/millrace/examples/clickstream/internal/target"

	_ "modernc.org/sqlite" // the driver's name is sqlite
)

// facts is what a table of sessions says as a whole.
type facts struct {
	sessions, users, withCart, abandoned int64
	meanMs, medianMs                     float64
}

func (f facts) abandonment() float64 {
	if f.withCart == 0 {
		return 0
	}
	return 100 * float64(f.abandoned) / float64(f.withCart)
}

// readFacts asks the SQLite table of t, as any reader of the result would.
func readFacts(ctx context.Context, t target.Target) (f facts, err error) {
	ctx = context.WithoutCancel(ctx) // also after Ctrl-C
	db, err := sql.Open("sqlite", t.Path)
	if err != nil {
		return f, err
	}
	defer closing(db, &err)
	// The name was checked to be plain.
	err = db.QueryRowContext(ctx, `SELECT count(*), count(DISTINCT user_id), coalesce(sum(add_to_carts > 0), 0), coalesce(sum(abandoned), 0), coalesce(avg(duration_ms), 0)
		FROM "`+t.Table()+`"`).Scan(&f.sessions, &f.users, &f.withCart, &f.abandoned, &f.meanMs)
	if err != nil {
		return f, fmt.Errorf("reading %s: %w", t, err)
	}
	if f.sessions == 0 {
		return f, nil
	}
	err = db.QueryRowContext(ctx, `SELECT avg(duration_ms) FROM (SELECT duration_ms FROM "`+t.Table()+`" ORDER BY duration_ms LIMIT ? OFFSET ?)`,
		2-f.sessions%2, (f.sessions-1)/2).Scan(&f.medianMs)
	if err != nil {
		return f, fmt.Errorf("reading %s: %w", t, err)
	}
	return f, nil
}
