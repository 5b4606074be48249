package elastic

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

var errStillRunning = errors.New("the server is still carrying out an earlier request of this writer, whose answer was lost")

// Between two looks at the server's tasks.
const (
	firstLook = 20 * time.Millisecond
	lastLook  = time.Second
)

// awaitOwn waits until the bulk requests are over that were sent under the client's name and that the server is carrying out now, at most for the client's timeout.
// listed is false if the server does not tell.
func awaitOwn(ctx context.Context, c *client) (listed bool, err error) {
	waiting, err := ownTasks(ctx, c)
	if isStatus(err, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	deadline := time.Now().Add(c.timeout)
	for pause := firstLook; len(waiting) > 0; pause = min(2*pause, lastLook) {
		if time.Now().After(deadline) {
			return true, errStillRunning
		}
		select {
		case <-ctx.Done():
			return true, context.Cause(ctx)
		case <-time.After(pause):
		}
		now, err := ownTasks(ctx, c)
		if err != nil {
			return true, err
		}
		for id := range waiting {
			if !now[id] {
				delete(waiting, id)
			}
		}
	}
	return true, nil
}

// ownTasks are the ids of running bulk requests under the client's name.
func ownTasks(ctx context.Context, c *client) (map[string]bool, error) {
	var answer struct {
		Nodes map[string]struct {
			Tasks map[string]struct {
				Headers map[string]string `json:"headers"`
			} `json:"tasks"`
		} `json:"nodes"`
	}
	query := url.Values{"actions": {"indices:data/write/bulk*"}, "filter_path": {"nodes.*.tasks.*.headers"}}
	if err := c.do(ctx, request{method: http.MethodGet, path: "/_tasks", query: query}, &answer); err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for _, node := range answer.Nodes {
		for id, task := range node.Tasks {
			if task.Headers["X-Opaque-Id"] == c.name {
				own[id] = true
			}
		}
	}
	return own, nil
}
