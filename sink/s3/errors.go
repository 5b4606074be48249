package s3

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/internal/parts"
	"github.com/millrace/millrace/sink"
)

// ErrExists is returned by Open, Prepare, Commit or Recover of a run that would overwrite or mix with the result of another one.
var ErrExists = parts.ErrExists

// ErrDamaged is returned by Commit and Recover when what an earlier run wrote is not there as it was written.
var ErrDamaged = parts.ErrDamaged

// Codes of the protocol.
const (
	noSuchKey      = "NoSuchKey"
	noSuchUpload   = "NoSuchUpload"
	notImplemented = "NotImplemented"
)

// classify gives an error of the client the meaning that the callers look for: fs.ErrNotExist, fs.ErrExist, or sink.Temporary.
func classify(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	r := response(err)
	switch {
	case r.Code == noSuchKey:
		return errors.Join(fs.ErrNotExist, err)
	case r.StatusCode == http.StatusPreconditionFailed, r.Code == "PreconditionFailed", r.Code == "ConditionalRequestConflict":
		return errors.Join(fs.ErrExist, err)
	case temporary(err, r):
		return sink.Temporary(err)
	}
	return err
}

func temporary(err error, r minio.ErrorResponse) bool {
	switch r.Code {
	case "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling", "OperationAborted":
		return true
	case notImplemented:
		return false
	}
	if r.StatusCode >= 500 || r.StatusCode == http.StatusTooManyRequests {
		return true
	}
	var network net.Error
	var request *url.Error
	return errors.As(err, &network) || errors.As(err, &request) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// response is the server's answer within err, empty where it has none.
func response(err error) (r minio.ErrorResponse) {
	errors.As(err, &r)
	return r
}

func code(err error) string { return response(err).Code }
