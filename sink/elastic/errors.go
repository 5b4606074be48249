package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/sink"
)

// ErrSchema is returned by Open when the index that exists is not one for the columns, and by a Write or Close when the index that was opened is gone.
var ErrSchema = errors.New("the existing index does not fit the columns")

// reasonShown is how much of a server's reason is passed on, in bytes: it may quote a whole document.
const reasonShown = 300

// reason is how the servers describe an error.
type reason struct {
	Type     string  `json:"type"`
	Reason   string  `json:"reason"`
	CausedBy *reason `json:"caused_by"`
}

// String is the error with what caused it.
func (r *reason) String() string {
	var out strings.Builder
	for depth := 0; r != nil && depth < 4; depth++ {
		if depth > 0 {
			out.WriteString("; caused by ")
		}
		out.WriteString(r.Type)
		if r.Reason != "" {
			out.WriteString(": " + shorten(r.Reason))
		}
		r = r.CausedBy
	}
	return out.String()
}

func shorten(text string) string {
	if len(text) <= reasonShown {
		return text
	}
	n := reasonShown
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "..."
}

// serverError is an answer that is not a success, to a request or to one of its documents.
type serverError struct {
	status int
	kind   string // the server's name of the error, empty where it gave none
	text   string
}

func (e *serverError) Error() string {
	text := e.text
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		text += " (check user and password or API key, and what they may do)"
	case http.StatusRequestEntityTooLarge:
		text += " (the server takes no request of this size: use a smaller BatchBytes)"
	}
	return text
}

// refusal is the error of an answer whose status is not 2xx.
func refusal(node string, r request, status int, answer []byte) *serverError {
	var body struct {
		Error json.RawMessage `json:"error"`
	}
	e := &serverError{status: status}
	detail := &reason{}
	switch err := json.Unmarshal(answer, &body); {
	case err == nil && json.Unmarshal(body.Error, detail) == nil && detail.Type != "":
		e.kind, e.text = detail.Type, detail.String()
	default:
		if json.Unmarshal(body.Error, &e.text) != nil {
			e.text = strings.TrimSpace(string(answer))
		}
		e.text = shorten(strings.ToValidUTF8(e.text, "?"))
	}
	e.text = fmt.Sprintf("%s %s%s: %d %s: %s", r.method, node, r.path, status, http.StatusText(status), e.text)
	return e
}

// isKind reports whether the server gave err that name.
func isKind(err error, kind string) bool {
	var e *serverError
	return errors.As(err, &e) && e.kind == kind
}

// isStatus reports whether the server gave err one of these HTTP statuses.
func isStatus(err error, statuses ...int) bool {
	var e *serverError
	if !errors.As(err, &e) {
		return false
	}
	for _, s := range statuses {
		if e.status == s {
			return true
		}
	}
	return false
}

// temporaryStatus reports whether waiting may mend what a server answers with this status: it is too busy, or it or a part of it is away. A node that
// stops answers with a plain 500, so all of the 500s count.
func temporaryStatus(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// isTemporary reports whether waiting may mend the error.
func isTemporary(err error) bool {
	var e *serverError
	if errors.As(err, &e) {
		return temporaryStatus(e.status)
	}
	if errors.Is(err, ErrSchema) || untrusted(err) {
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errStillRunning)
}

// isUnclear reports whether the server may still be carrying out the request that ended in err.
func isUnclear(err error) bool {
	var e *serverError
	if errors.As(err, &e) {
		return e.status == http.StatusRequestTimeout || e.status >= http.StatusInternalServerError // a proxy may have given up in the server's place
	}
	return true
}

// explain says who was talking to the server, and marks what may be tried again. ctx is the caller's own.
func explain(ctx context.Context, who fmt.Stringer, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", who, context.Cause(ctx))
	}
	err = fmt.Errorf("%s: %w", who, err)
	if isTemporary(err) {
		return sink.Temporary(err)
	}
	return err
}
