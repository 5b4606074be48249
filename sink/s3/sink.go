package s3

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/bucket"
	"github.com/millrace/millrace/internal/parts"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
)

// Option changes how objects are written.
type Option func(*settings)

type settings struct {
	access     bucket.Access
	parts      parts.Options
	pieceBytes int64
}

// Credentials are the key's id, its secret and, for temporary ones, the session's token.
func Credentials(id, secret, token string) Option {
	return func(s *settings) { s.access.ID, s.access.Secret, s.access.Token = id, secret, token }
}

// CredentialsFile is a shared credentials file, empty for the usual one, and the profile in it, empty for the default; the environment's key is then not used.
func CredentialsFile(path, profile string) Option {
	return func(s *settings) { s.access.File, s.access.Profile = path, profile }
}

// RollBytes is the size at which an object is full and the next one begins, before the checkpoint shows both; 256 MiB without it.
func RollBytes(n int64) Option { return func(s *settings) { s.parts.RollBytes = n } }

// RollRows is the number of rows at which an object is full; a batch is not divided. Without it only the size counts.
func RollRows(n int64) Option { return func(s *settings) { s.parts.RollRows = n } }

// PieceBytes is the size of the requests that upload an object, which each Writer collects in memory: 8 MiB without it, 5 MiB at least.
func PieceBytes(n int64) Option { return func(s *settings) { s.pieceBytes = n } }

// smallBytes bounds the small objects beside the parts.
const smallBytes = 1 << 20

const (
	leastPiece   = 5 << 20 // of all pieces but the last, by the protocol
	defaultPiece = 8 << 20
	mostPieces   = 10_000 // by the protocol
)

// Sink writes objects of a format under a location's prefix.
func Sink[T any](l Location, f format.Format[T], options ...Option) sink.Sink[T] {
	s := &objects[T]{place: l, format: f, settings: settings{pieceBytes: defaultPiece}}
	for _, o := range options {
		o(&s.settings)
	}
	s.location = parts.NewLocation(l.String(), f.Columns(), func(ctx context.Context) (parts.Store, error) {
		client, err := bucket.Connect(ctx, s.place, s.settings.access)
		if err != nil {
			return nil, err
		}
		return &store{Small: bucket.Small{Client: client, Place: s.place, Most: smallBytes}, contentType: f.ContentType(), pieceBytes: s.settings.pieceBytes}, nil
	})
	return s
}

type objects[T any] struct {
	place    Location
	format   format.Format[T]
	settings settings
	location *parts.Location
}

func (s *objects[T]) Traits() sink.Traits { return sink.Traits{} }

func (s *objects[T]) String() string { return s.format.Name() + " location=" + s.place.String() }

// Open claims the location for a job without saved state, and touches nothing else in it: a restarted job commits and recovers first.
func (s *objects[T]) Open(ctx context.Context, env sink.Env) (sink.Writer[T], error) {
	if err := errors.Join(s.format.Validate(), s.place.Validate(), s.settings.validate()); err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	w, err := parts.Open(ctx, s.String(), s.location, s.format, s.settings.parts, env)
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (s settings) validate() error {
	if err := s.parts.Validate(); err != nil {
		return err
	}
	if s.pieceBytes < leastPiece {
		return fmt.Errorf("pieces of %d bytes: the protocol wants %d at least", s.pieceBytes, leastPiece)
	}
	if s.parts.RollBytes/s.pieceBytes > mostPieces/2 {
		return fmt.Errorf("objects of %d bytes in pieces of %d are too many pieces: the protocol has %d; give larger pieces", s.parts.RollBytes, s.pieceBytes, mostPieces)
	}
	return nil
}
