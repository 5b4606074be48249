package elastic

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

// bulk collects one bulk request. Its memory is reused.
type bulk[T any] struct {
	columns table.Columns[T]
	all     []table.Column[T]
	keys    []table.Column[T]
	limit   int // of the body, in bytes
	body    []byte
	rows    []int32 // which row each action is about
}

func newBulk[T any](columns table.Columns[T], limit int) *bulk[T] {
	return &bulk[T]{columns: columns, all: columns.All(), keys: columns.Keys(), limit: limit}
}

// add appends the action that a row asks for. It reports false if the request would grow too large, and leaves it as it was; an empty one takes any row.
func (b *bulk[T]) add(rows []sink.Row[T], i int32) (fits bool, err error) {
	start := len(b.body)
	row := rows[i].Value
	action := `{"index":{"_id":"`
	if rows[i].Op == sink.Delete {
		action = `{"delete":{"_id":"`
	}
	// Nothing in an id needs escaping in JSON.
	b.body = append(appendID(append(b.body, action...), b.keys, row), "\"}}\n"...)
	if rows[i].Op != sink.Delete {
		if b.body, err = appendDocument(b.body, b.all, row); err != nil {
			return false, fmt.Errorf("row %s, %w", b.columns.KeyString(row), err)
		}
		b.body = append(b.body, '\n')
	}
	if start > 0 && len(b.body) > b.limit {
		b.body = b.body[:start]
		return false, nil
	}
	b.rows = append(b.rows, i)
	return true, nil
}

func (b *bulk[T]) reset() { b.body, b.rows = b.body[:0], b.rows[:0] }

// bulkAnswer has one item per action, in order; the status is always asked for, so that filtering leaves none out.
type bulkAnswer struct {
	Errors bool `json:"errors"`
	Items  []map[string]struct {
		Status int     `json:"status"`
		Error  *reason `json:"error"`
	} `json:"items"`
}

// send carries out what was collected, and forgets it.
func (b *bulk[T]) send(ctx context.Context, c *client, index string, policy RefreshPolicy, rows []sink.Row[T]) error {
	if len(b.rows) == 0 {
		return nil
	}
	defer b.reset()
	query := url.Values{
		"filter_path": {"errors,items.*.status,items.*.error"},
		// The server gives up before the client does, so that its reason is heard.
		"timeout": {strconv.FormatInt(max(1, (c.timeout/2).Milliseconds()), 10) + "ms"},
	}
	switch policy {
	case RefreshNow:
		query.Set("refresh", "true")
	case RefreshWait:
		query.Set("refresh", "wait_for")
	}
	var answer bulkAnswer
	if err := c.do(ctx, request{method: http.MethodPost, path: "/" + index + "/_bulk", query: query, body: b.body, lines: true}, &answer); err != nil {
		return err
	}
	if len(answer.Items) != len(b.rows) {
		return fmt.Errorf("a bulk request of %d actions was answered for %d", len(b.rows), len(answer.Items))
	}
	if !answer.Errors {
		return nil
	}
	return b.refused(answer, rows)
}

// refused picks the error to report: one that waiting does not mend, if there is one.
func (b *bulk[T]) refused(answer bulkAnswer, rows []sink.Row[T]) error {
	var worst *serverError
	failed := 0
	for i, item := range answer.Items {
		for _, result := range item {
			if result.Error == nil {
				continue
			}
			failed++
			if worst == nil || temporaryStatus(worst.status) && !temporaryStatus(result.Status) {
				text := fmt.Sprintf("row %s: %d %s", b.columns.KeyString(rows[b.rows[i]].Value), result.Status, result.Error)
				worst = &serverError{status: result.Status, kind: result.Error.Type, text: text}
			}
		}
	}
	if worst == nil {
		return nil
	}
	if failed > 1 {
		worst.text += fmt.Sprintf(" (and %d more rows of %d were refused)", failed-1, len(b.rows))
	}
	if worst.kind == "index_not_found_exception" {
		return fmt.Errorf("%w: %w", ErrSchema, errGone)
	}
	return worst
}
