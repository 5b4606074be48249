package s3_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/s3"
	"github.com/millrace/millrace/sink/sinktest"
)

func sessions() sink.Env { return sink.Env{Job: "shop", Operator: "sessions", Subtasks: 1} }

func restored(env sink.Env) sink.Env {
	env.Restored = true
	return env
}

func (s *server) csv(l s3.Location, options ...s3.Option) sink.Sink[record] {
	return s3.Sink(l, format.CSV(sinktest.Columns), append(options, s.key())...)
}

func open(t *testing.T, s sink.Sink[record], env sink.Env) (sink.Writer[record], sink.Committer) {
	t.Helper()
	w, err := s.Open(t.Context(), env)
	require.NoError(t, err)
	return w, w.(sink.Committer)
}

func one(id string) []sink.Row[record] { return []sink.Row[record]{{Value: record{ID: id}}} }

func prepare(t *testing.T, c sink.Committer, checkpoint int64, last bool) []byte {
	t.Helper()
	pending, err := c.Prepare(t.Context(), checkpoint, last)
	require.NoError(t, err)
	return pending
}

// shown writes one row, shows it and gives the state.
func shown(t *testing.T, srv *server, l s3.Location) []byte {
	t.Helper()
	w, c := open(t, srv.csv(l), sessions())
	require.NoError(t, w.Write(t.Context(), one("a")))
	pending := prepare(t, c, 1, false)
	require.NoError(t, c.Commit(t.Context(), pending))
	require.NoError(t, w.Close())
	return pending
}

func refused(t *testing.T, srv *server, l s3.Location, env sink.Env) error {
	t.Helper()
	_, err := srv.csv(l).Open(t.Context(), env)
	require.ErrorIs(t, err, s3.ErrExists)
	return err
}

func TestLocationBelongsToOneRun(t *testing.T) { locationBelongsToOneRun(t, fake(t, nil), "own/v1") }

func locationBelongsToOneRun(t *testing.T, srv *server, prefix string) {
	l := srv.location(prefix)
	pending := shown(t, srv, l)
	require.ErrorContains(t, refused(t, srv, l, sessions()), "part-00000-0000000001.csv of run ")
	other := sessions()
	other.Job = "bank"
	require.ErrorContains(t, refused(t, srv, l, other), l.String()+" belongs to run ")
	refused(t, srv, l, restored(other))

	w, c := open(t, srv.csv(l), restored(sessions()))
	require.NoError(t, c.Commit(t.Context(), pending))
	require.NoError(t, c.Recover(t.Context(), [][]byte{pending}))
	require.NoError(t, w.Write(t.Context(), one("b")))
	last := prepare(t, c, 2, true)
	require.NotContains(t, srv.names(t, l), "_SUCCESS")
	require.NoError(t, c.Commit(t.Context(), last))
	require.NoError(t, c.Commit(t.Context(), last))
	require.NoError(t, w.Close())
	require.Equal(t, []string{"_SUCCESS", "_millrace.json", "part-00000-0000000001.csv", "part-00000-0000000002.csv"}, srv.names(t, l))
}

func TestForeignObjectsAreRefused(t *testing.T) {
	srv := fake(t, nil)
	for _, name := range []string{"data.csv", "deeper/data.csv"} {
		_, err := srv.core.Client.PutObject(t.Context(), bucket, srv.location("foreign/v1").Prefix+"/"+name, strings.NewReader("x"), 1, minio.PutObjectOptions{})
		require.NoError(t, err)
	}
	require.ErrorContains(t, refused(t, srv, srv.location("foreign/v1"), sessions()), "data.csv, deeper/data.csv")
	shown(t, srv, srv.location("foreign/v2"))
	shown(t, srv, srv.location("foreign/v11"))
}

func TestJobsThatRaceForALocation(t *testing.T) {
	require.Equal(t, 1, race(t, fake(t, nil), "race/v1"))
}

// race lets four jobs claim a location at once, and counts those that get it. There is never more than one. Where a server looks and writes in two steps it may be none:
// then the job that the mark names gets it when it is started again.
func race(t *testing.T, srv *server, prefix string) (won int) {
	t.Helper()
	l := srv.location(prefix)
	jobs := []string{"a", "b", "c", "d"}
	start := func(job string) error {
		w, err := srv.csv(l).Open(t.Context(), sink.Env{Job: job, Operator: "sessions"})
		if err != nil {
			return err
		}
		_, err = w.(sink.Committer).Prepare(t.Context(), 1, false)
		return errors.Join(err, w.Close())
	}
	results := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, job := range jobs {
		wg.Go(func() { results[i] = start(job) })
	}
	wg.Wait()
	for i, err := range results {
		if err == nil {
			won++
		} else {
			t.Logf("job %s: %v", jobs[i], err)
		}
	}
	require.LessOrEqual(t, won, 1)
	again := 0
	for _, job := range jobs {
		if err := start(job); err == nil {
			again++
		} else {
			require.ErrorIs(t, err, s3.ErrExists)
		}
	}
	require.Equal(t, 1, again, "the location is not locked for ever")
	return won
}

// A process that is thought dead and is not may not mix its rows with those of the one that was started in its place.
func TestRunThatWasTakenOverStops(t *testing.T) {
	srv := fake(t, nil)
	l := srv.location("taken/v1")
	old, oldCommitter := open(t, srv.csv(l), sessions())
	require.NoError(t, old.Write(t.Context(), one("old")))
	pending := prepare(t, oldCommitter, 1, false)
	shown(t, srv, l)
	require.ErrorContains(t, oldCommitter.Commit(t.Context(), pending), "was taken over by run ")
	_, err := oldCommitter.Prepare(t.Context(), 2, false)
	require.ErrorIs(t, err, s3.ErrExists)
	require.Len(t, srv.objects(t, l), 2)
}

func TestUploadsThatNoCheckpointCoversAreAborted(t *testing.T) {
	leftovers(t, fake(t, nil), "left/v1")
}

func leftovers(t *testing.T, srv *server, prefix string) {
	l, neighbour := srv.location(prefix), srv.location(prefix+"1")
	other, _ := open(t, srv.csv(neighbour), sessions())
	require.NoError(t, other.Write(t.Context(), one("other")))

	w, c := open(t, srv.csv(l), sessions())
	require.NoError(t, w.Write(t.Context(), one("a")))
	committed := prepare(t, c, 1, false)
	require.NoError(t, w.Write(t.Context(), one("b")))
	prepare(t, c, 2, false)
	require.NoError(t, w.Write(t.Context(), one("c")))
	// The process ends here: nothing is closed.
	require.Len(t, srv.uploads(t, l), 3)

	w, c = open(t, srv.csv(l), restored(sessions()))
	require.NoError(t, c.Commit(t.Context(), committed))
	require.NoError(t, c.Recover(t.Context(), [][]byte{committed}))
	require.Empty(t, srv.uploads(t, l))
	require.NoError(t, w.Write(t.Context(), one("b")))
	require.NoError(t, w.Close())
	require.Empty(t, srv.uploads(t, l), "a part that was not prepared is aborted at once")
	require.Len(t, srv.uploads(t, neighbour), 1)
	require.NoError(t, other.Close())
}

func TestLostUploadIsAnError(t *testing.T) {
	srv := fake(t, nil)
	l := srv.location("lost/v1")
	w, c := open(t, srv.csv(l), sessions())
	require.NoError(t, w.Write(t.Context(), one("a")))
	pending := prepare(t, c, 1, false)
	page, err := srv.core.ListMultipartUploads(t.Context(), bucket, l.Prefix, "", "", "", 10)
	require.NoError(t, err)
	require.NoError(t, srv.core.AbortMultipartUpload(t.Context(), bucket, page.Uploads[0].Key, page.Uploads[0].UploadID))
	err = c.Commit(t.Context(), pending)
	require.ErrorIs(t, err, s3.ErrDamaged)
	require.ErrorContains(t, err, "has aborted the upload")
	require.NoError(t, w.Close())
}

func TestObjectIsNeverOverwritten(t *testing.T) { neverOverwritten(t, fake(t, nil), "over/v1") }

func neverOverwritten(t *testing.T, srv *server, prefix string) {
	l := srv.location(prefix)
	w, c := open(t, srv.csv(l), sessions())
	require.NoError(t, w.Write(t.Context(), one("a")))
	pending := prepare(t, c, 1, false)
	_, err := srv.core.Client.PutObject(t.Context(), bucket, l.Prefix+"/part-00000-0000000001.csv", strings.NewReader("theirs"), 6, minio.PutObjectOptions{})
	require.NoError(t, err)
	require.ErrorIs(t, c.Commit(t.Context(), pending), s3.ErrExists)
	require.NoError(t, w.Close())
	for _, o := range srv.objects(t, l) {
		if o.name == "part-00000-0000000001.csv" {
			require.Equal(t, "theirs", string(o.data))
		}
	}
}

// An object of several pieces, the last one short.
func TestLargeObject(t *testing.T) { largeObject(t, fake(t, nil), "large/v1") }

func largeObject(t *testing.T, srv *server, prefix string) {
	l := srv.location(prefix)
	w, c := open(t, srv.csv(l, s3.PieceBytes(5<<20)), sessions())
	text := strings.Repeat("0123456789", 10_000)
	var want bytes.Buffer
	for i := range 130 {
		r := record{ID: "large", Seq: int64(i), Text: text}
		want.WriteString(text)
		require.NoError(t, w.Write(t.Context(), []sink.Row[record]{{Value: r}}))
	}
	require.NoError(t, c.Commit(t.Context(), prepare(t, c, 1, false)))
	require.NoError(t, w.Close())
	var got bytes.Buffer
	for _, o := range srv.objects(t, l) {
		if !strings.HasPrefix(o.name, "_") {
			for _, r := range decodeCSV(t, o.data) {
				got.WriteString(r.Text)
			}
		}
	}
	require.True(t, bytes.Equal(want.Bytes(), got.Bytes()))
}

func TestFullObjectsRoll(t *testing.T) {
	srv := fake(t, nil)
	l := srv.location("roll/v1")
	w, c := open(t, srv.csv(l, s3.RollRows(2)), sessions())
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		require.NoError(t, w.Write(t.Context(), one(id)))
	}
	require.NoError(t, c.Commit(t.Context(), prepare(t, c, 1, false)))
	require.NoError(t, w.Close())
	require.Equal(t, []string{"_millrace.json", "part-00000-0000000001.csv", "part-00000-0000000002.csv", "part-00000-0000000003.csv"}, srv.names(t, l))
}

// A completion whose answer is lost, in all the ways, is a success once it is asked again.
func TestAnswerOfTheCompletionIsLost(t *testing.T) {
	for name, answer := range map[string]int{"server error": http.StatusInternalServerError, "no such upload": http.StatusNotFound} {
		t.Run(name, func(t *testing.T) {
			var lose atomic.Bool
			srv := fake(t, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodPost || !r.URL.Query().Has("uploadId") || !lose.Swap(false) {
						next.ServeHTTP(w, r)
						return
					}
					next.ServeHTTP(discard{}, r)
					w.WriteHeader(answer)
					if answer == http.StatusNotFound {
						_, _ = io.WriteString(w, `<Error><Code>NoSuchUpload</Code></Error>`)
					}
				})
			})
			l := srv.location("answer/v1")
			w, c := open(t, srv.csv(l), sessions())
			require.NoError(t, w.Write(t.Context(), one("a")))
			pending := prepare(t, c, 1, false)
			lose.Store(true)
			require.NoError(t, c.Commit(t.Context(), pending))
			require.NoError(t, w.Close())
			require.Len(t, srv.objects(t, l), 2)
		})
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// The engine repeats a batch after a temporary error: its rows come once, whatever failed.
func TestServerThatIsDownForAWhile(t *testing.T) {
	var down atomic.Bool
	srv := fake(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if down.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	l := srv.location("down/v1")
	s := srv.csv(l, s3.PieceBytes(5<<20))
	down.Store(true)
	_, err := s.Open(t.Context(), sessions())
	require.True(t, sink.IsTemporary(err), "%v", err)
	down.Store(false)
	w, c := open(t, s, sessions())
	down.Store(true)
	require.True(t, sink.IsTemporary(w.Write(t.Context(), one("a"))))
	down.Store(false)
	require.NoError(t, w.Write(t.Context(), one("a")))
	large := []sink.Row[record]{{Value: record{ID: "b", Text: strings.Repeat("x", 6<<20)}}}
	require.NoError(t, w.Write(t.Context(), large))
	require.NoError(t, w.Write(t.Context(), one("c")))
	down.Store(true)
	require.NoError(t, w.Write(t.Context(), one("d")), "it fits into memory")
	_, err = c.Prepare(t.Context(), 1, false)
	require.True(t, sink.IsTemporary(err), "%v", err)
	down.Store(false)
	pending := prepare(t, c, 1, false)
	down.Store(true)
	require.True(t, sink.IsTemporary(c.Commit(t.Context(), pending)))
	down.Store(false)
	require.NoError(t, c.Commit(t.Context(), pending))
	require.NoError(t, w.Close())
	var ids string
	for _, o := range srv.objects(t, l) {
		if !strings.HasPrefix(o.name, "_") {
			for _, r := range decodeCSV(t, o.data) {
				ids += r.ID
			}
		}
	}
	require.Equal(t, "abcd", ids)
}

func TestWrongLocationsAndKeys(t *testing.T) {
	srv := fake(t, nil)
	for _, test := range []struct {
		location s3.Location
		want     string
	}{
		{s3.Location{Bucket: "UPPER"}, `bucket "UPPER"`},
		{s3.Location{Bucket: bucket, Prefix: "a/../b"}, `the segment ".."`},
		{s3.Location{Bucket: bucket, Prefix: "/abs"}, "is empty"},
		{s3.Location{Bucket: bucket, Prefix: "a//b"}, "is empty"},
		{s3.Location{Bucket: bucket, Prefix: "a\x01b"}, "control characters"},
		{srv.location("v1").Below("../v2"), `the segment ".."`},
		{s3.Location{Bucket: bucket, Endpoint: "ftp://x"}, "use http://HOST:PORT"},
		{s3.Location{Bucket: "missing", Endpoint: srv.url, Region: "us-east-1", PathStyle: true}, "bucket missing does not exist"},
	} {
		_, err := srv.csv(test.location).Open(t.Context(), sessions())
		require.ErrorContains(t, err, test.want)
		require.False(t, sink.IsTemporary(err))
	}
	_, err := srv.csv(srv.location("v1"), s3.PieceBytes(1)).Open(t.Context(), sessions())
	require.ErrorContains(t, err, "5242880 at least")
	_, err = srv.csv(srv.location("v1"), s3.RollBytes(1<<60)).Open(t.Context(), sessions())
	require.ErrorContains(t, err, "too many pieces")
}

func TestParseLocation(t *testing.T) {
	l, rest, err := s3.ParseLocation("s3://results/sessions/v2/?endpoint=http://127.0.0.1:9000&region=eu-1&path-style=true&format=csv")
	require.NoError(t, err)
	require.Equal(t, s3.Location{Bucket: "results", Prefix: "sessions/v2", Endpoint: "http://127.0.0.1:9000", Region: "eu-1", PathStyle: true}, l)
	require.Equal(t, "format=csv", rest.Encode())
	require.Equal(t, "s3://results/sessions/v2", l.String())
	l, _, err = s3.ParseLocation("s3://results")
	require.NoError(t, err)
	require.Equal(t, "s3://results", l.String())
	require.Equal(t, "s3://results/a/b", l.Below("a/b").String())

	for text, want := range map[string]string{
		"s3://id:hidden@results/x":                      "holds credentials",
		"s3://results/x?endpoint=http://id:hidden@host": "not a plain URL",
		"s3://results/../x":                             `the segment ".."`,
		"s3://results/%2e%2e/x":                         `the segment ".."`,
		"s3://results/a//b":                             "is empty",
		"s3://results/x?path-style=perhaps":             "true or false",
		"http://results/x":                              "use s3://",
		"s3://":                                         "bucket",
		"s3://id:hid%zz@results/x":                      "not a URL",
	} {
		_, _, err := s3.ParseLocation(text)
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "hid", text)
	}
}

func TestCredentialsAreNotPrinted(t *testing.T) {
	var deny atomic.Bool
	srv := fake(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if deny.Load() {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	deny.Store(true)
	s := srv.csv(srv.location("denied/v1"))
	_, err := s.Open(t.Context(), sessions())
	require.Error(t, err)
	require.False(t, sink.IsTemporary(err), "waiting does not mend a wrong key")
	for _, text := range []string{err.Error(), s.String(), fmt.Sprintf("%v %+v", s, s)} {
		require.NotContains(t, text, secret)
		require.NotContains(t, text, id)
	}
}

func TestCredentialsOfTheEnvironment(t *testing.T) {
	srv := fake(t, nil)
	l := srv.location("env/v1")
	s := s3.Sink(l, format.CSV(sinktest.Columns))
	t.Setenv("HOME", t.TempDir())
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SHARED_CREDENTIALS_FILE", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	_, err := s.Open(t.Context(), sessions())
	require.ErrorContains(t, err, "no credentials: set AWS_ACCESS_KEY_ID")
	t.Setenv("AWS_ACCESS_KEY_ID", id)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	w, _ := open(t, s, sessions())
	require.NoError(t, w.Close())
}
