package bucket

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/sink"
)

// Codes of the protocol.
const (
	NoSuchKey      = "NoSuchKey"
	NoSuchUpload   = "NoSuchUpload"
	NotImplemented = "NotImplemented"
)

// Classify gives an error of the client the meaning that the callers look for: fs.ErrNotExist, fs.ErrExist, or sink.Temporary.
func Classify(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	r := response(err)
	switch {
	case r.Code == NoSuchKey:
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
	case NotImplemented:
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

// Code is the code of the server's answer within err, empty where it has none.
func Code(err error) string { return response(err).Code }

// Missing reports whether a classified error says that there is no such object.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
