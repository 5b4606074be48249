package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/millrace/millrace/sink/version"
)

// previous ends the alias of what readers saw before: sessions.previous.
const previous = ".previous"

// aliases are indexes, existing ones alone, with the aliases of each.
type aliases map[string][]string

// of are the indexes behind an alias.
func (a aliases) of(alias string) (indexes []string) {
	for index, names := range a {
		if slices.Contains(names, alias) {
			indexes = append(indexes, index)
		}
	}
	slices.Sort(indexes)
	return indexes
}

func (a aliases) exists(index string) bool {
	_, ok := a[index]
	return ok
}

// readAliases asks, as of one moment, for all that has to do with the versions: their places, and what is behind their readers' names.
func readAliases(ctx context.Context, c *client, versions []version.Version) (aliases, error) {
	var names []string
	for _, v := range versions {
		for reader, place := range v.Tables {
			names = append(names, place, reader, reader+previous)
		}
	}
	found := aliases{}
	if len(names) == 0 {
		return found, nil
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var answer map[string]struct {
		Aliases map[string]json.RawMessage `json:"aliases"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: "/" + joined(names) + "/_alias", query: url.Values{"ignore_unavailable": {"true"}}}, &answer)
	if isStatus(err, http.StatusNotFound) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	for index, a := range answer {
		found[index] = []string{}
		for alias := range a.Aliases {
			found[index] = append(found[index], alias)
		}
	}
	return found, nil
}

// action is one of an _aliases request.
type action struct {
	Add         *aliasChange `json:"add,omitempty"`
	Remove      *aliasChange `json:"remove,omitempty"`
	RemoveIndex *aliasChange `json:"remove_index,omitempty"`
}

type aliasChange struct {
	Index string `json:"index"`
	Alias string `json:"alias,omitempty"`
	// MustExist refuses the request if the alias is not there.
	MustExist bool `json:"must_exist,omitempty"`
	// Write makes the index the one that writes through the alias go to, of which the servers allow one: two that add the alias to different indexes collide.
	Write bool `json:"is_write_index,omitempty"`
}

func add(alias, index string) action {
	return action{Add: &aliasChange{Index: index, Alias: alias, Write: true}}
}

func remove(alias, index string) action {
	return action{Remove: &aliasChange{Index: index, Alias: alias, MustExist: true}}
}

func removeIndex(index string) action { return action{RemoveIndex: &aliasChange{Index: index}} }

// apply makes all changes in one step, or none.
func apply(ctx context.Context, c *client, actions []action) error {
	if len(actions) == 0 {
		return nil
	}
	body, err := json.Marshal(map[string][]action{"actions": actions})
	if err != nil {
		return err
	}
	return c.do(ctx, request{method: http.MethodPost, path: "/_aliases", body: body}, nil)
}

// mine reports whether an index is a place of a version.
func (v view) mine(index string) bool {
	return slices.ContainsFunc(v.Versions, func(o version.Version) bool { return slices.Contains(places(o), index) })
}

// move takes an alias from wherever it is to an index, or away if that is empty. It is an error if the alias is not the catalog's.
func (v view) move(alias, index string) (actions []action, err error) {
	if v.aliases.exists(alias) {
		return nil, fmt.Errorf("%s is an index of its own: %w", alias, version.ErrTaken)
	}
	there := false
	for _, at := range v.aliases.of(alias) {
		switch {
		case at == index:
			there = true
		case !v.mine(at):
			return nil, fmt.Errorf("%s is an alias of %s: %w", alias, at, version.ErrTaken)
		default:
			actions = append(actions, remove(alias, at))
		}
	}
	if index != "" && !there {
		actions = append(actions, add(alias, index))
	}
	return actions, nil
}

// switching is what moves readers from one version to another. Where that is the same, it makes its aliases again and leaves the others.
func (v view) switching(from, to string) (actions []action, err error) {
	next, _ := v.Version(to)
	before, _ := v.Version(from)
	readers := append(next.Readers(), before.Readers()...)
	slices.Sort(readers)
	for _, reader := range slices.Compact(readers) {
		moved, err := v.move(reader, next.Tables[reader])
		if err != nil {
			return nil, err
		}
		actions = append(actions, moved...)
		if from == to {
			continue
		}
		if moved, err = v.move(reader+previous, before.Tables[reader]); err != nil {
			return nil, err
		}
		actions = append(actions, moved...)
	}
	return actions, nil
}

// still demands of a request that readers see what they saw.
func (v view) still() (actions []action) {
	now, ok := v.Version(v.Current)
	if !ok {
		return nil
	}
	for _, reader := range now.Readers() {
		if place := now.Tables[reader]; slices.Contains(v.aliases.of(reader), place) {
			actions = append(actions, remove(reader, place), add(reader, place))
		}
	}
	return actions
}

// removing removes a version's indexes, unless readers see it by then.
func (v view) removing(ctx context.Context, c *client, dropped version.Version) error {
	var gone []action
	for _, place := range places(dropped) {
		if v.aliases.exists(place) {
			gone = append(gone, removeIndex(place))
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return apply(ctx, c, append(v.still(), gone...))
}

// replacing lets a version's aliases go over to the places of another, and removes its own indexes, with which their aliases go.
func (v view) replacing(ctx context.Context, c *client, old, taker version.Version) error {
	var actions []action
	if v.Current != old.Name {
		actions = v.still()
	}
	for _, reader := range old.Readers() {
		from, to := old.Tables[reader], taker.Tables[reader]
		if !v.aliases.exists(from) {
			continue
		}
		actions = append(actions, removeIndex(from))
		for _, alias := range []string{reader, reader + previous} {
			if slices.Contains(v.aliases.of(alias), from) {
				actions = append(actions, add(alias, to))
			}
		}
	}
	return apply(ctx, c, actions)
}

// collided reports whether an _aliases request was refused because something is not where it was.
func collided(err error) bool {
	return isStatus(err, http.StatusNotFound) || isKind(err, "illegal_state_exception") // more than one write index
}
