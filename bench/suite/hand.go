package main

import (
	"context"
	"errors"
	"math"
	"strings"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
)

// byHand is the session job without an engine: one loop over one split after the other, a map of each user's open sessions, no timers, no state that outlives it.
// Events may be out of order by a minute and are never late.
func byHand(ctx context.Context, src source.Source[*pb.ClickEvent]) (total, error) {
	var t total
	in, err := src.Open(ctx, source.Env{Reuse: true})
	if err != nil {
		return t, err
	}
	defer in.Close()
	splits, err := in.Splits(ctx)
	if err != nil {
		return t, err
	}
	for _, split := range splits {
		if err := splitByHand(ctx, in, split, &t); err != nil {
			return t, err
		}
	}
	return t, nil
}

func splitByHand(ctx context.Context, in source.Session[*pb.ClickEvent], split source.Split, t *total) error {
	from, err := in.Reader(ctx, split, split.Start)
	if err != nil {
		return err
	}
	defer from.Close()
	open := users{}
	var r source.Record[*pb.ClickEvent]
	latest := int64(math.MinInt64)
	for {
		chunk, err := from.Fetch(ctx)
		if errors.Is(err, source.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for chunk.Next(&r) {
			if r.Err != nil {
				return r.Err
			}
			e := r.Value
			latest = max(latest, e.EventTimestamp)
			open.named(e.UserId).add(e, latest-60_000-1, t)
		}
	}
	open.close(t)
	return nil
}

// users are those with sessions, by name.
type users map[string]*user

// named is a user, who may be new.
func (all users) named(name string) *user {
	u := all[name]
	if u == nil {
		u = &user{name: strings.Clone(name)}
		all[u.name] = u
	}
	return u
}

// close ends the sessions that are open.
func (all users) close(t *total) {
	for _, u := range all {
		for i := range u.sessions {
			t.add(&u.sessions[i])
		}
	}
}

// user is a user's open sessions, hardly ever more than one.
type user struct {
	name     string
	sessions []session
}

// add puts an event into the session that it touches, joins two that it connects, and closes those that no further event can touch.
func (u *user) add(e *pb.ClickEvent, watermark int64, t *total) {
	ts, at := e.EventTimestamp, -1
	for i := 0; i < len(u.sessions); i++ {
		s := &u.sessions[i]
		switch {
		case s.last+gapMillis < watermark && ts > s.last+gapMillis:
			t.add(s)
		case ts > s.last+gapMillis || ts < s.first-gapMillis:
			continue
		case at < 0:
			s.add(ts, kindOf(e.EventType))
			at = i
			continue
		default:
			joined := aggregate{}.Merge(u.sessions[at], *s)
			joined.user = u.name
			u.sessions[at] = joined
		}
		u.sessions = append(u.sessions[:i], u.sessions[i+1:]...)
		i--
	}
	if at < 0 {
		s := session{user: u.name}
		s.add(ts, kindOf(e.EventType))
		u.sessions = append(u.sessions, s)
	}
}
