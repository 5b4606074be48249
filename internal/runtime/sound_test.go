package runtime

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/state"
)

// entries are a store of a few entries.
type entries map[string]string

func (e entries) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	for _, k := range slices.Sorted(maps.Keys(e)) {
		if k >= string(from) && k < string(to) && !visit([]byte(k), []byte(e[k])) {
			return nil
		}
	}
	return nil
}

// written are a job's entries in every kind.
func written() map[string]string {
	return map[string]string{
		"job":              `{"Format":1,"Job":"shop","MaxParallelism":128}`,
		"operator/clicks":  `{"Number":0,"Shape":"source"}`,
		"operator/windows": `{"Number":1,"Shape":"aggregate; session gap 30m0s; holds int64"}`,
		"epoch/all":        `7`,
		"split/clicks/t/0": `{"Number":0,"Position":9,"Stop":9223372036854775807,"Watermark":-9223372036854775808,"Partitions":1,"Incarnation":"x"}`,
		"watermark/w/0":    `-5`,
		"cells/windows/a":  `{"Names":["windows"],"Codecs":["int64"]}`,
		"sink/rows/0":      `{"Pending":["YQ==",null]}`,
	}
}

func stored(all map[string]string) entries {
	e := entries{}
	for k, v := range all {
		e[metaPrefix+k] = v
	}
	return e
}

func TestUnsoundEntriesAreNamed(t *testing.T) {
	_, err := readMeta(stored(written()))
	require.NoError(t, err)
	for key, value := range map[string]string{
		"operator/x":       `{"Number":1}`,
		"operator/y":       `{"Number":65535}`,
		"split/clicks/t/1": `{"Number":0}`,
		"split/clicks/t/2": `{"Number":-1}`,
		"split/clicks/t/3": `{"Number":2147483647}`,
		"split/clicks/t/4": `{"Number":1,"Position":-1}`,
		"split/clicks/t/5": `{"Number":1,"Position":9223372036854775808}`,
		"epoch/all":        `-1`,
		"epoch/b":          `9223372036854775807`,
		"cells/windows/a":  `{"Names":["windows"]}`,
		"sink/rows/0":      `{"Pending":"a"}`,
		"job":              `[]`,
	} {
		all := written()
		all[key] = value
		_, err := readMeta(stored(all))
		require.ErrorIs(t, err, state.ErrCorrupt, "%s %s", key, value)
		require.ErrorContains(t, err, key)
	}
}

// FuzzMeta takes any bytes for one of the run's entries beside sound ones: it is refused with its name, or a job can go on from it.
func FuzzMeta(f *testing.F) {
	for k, v := range written() {
		f.Add(k, []byte(v))
	}
	f.Add("split/clicks/t/1", []byte(`{"Number":2000000000}`))
	f.Add("operator/a/b", []byte(`{"Number":65534,"Shape":"aggregate; holds list<"}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		all := written()
		all[key] = string(value)
		m, err := readMeta(stored(all))
		if err != nil {
			require.ErrorIs(t, err, state.ErrCorrupt)
			return
		}
		saved, err := ReadSaved(stored(all))
		if err == nil {
			require.Len(t, saved.Splits, len(m.splits))
		}
		r := &Run{meta: m}
		require.Less(t, r.nextSplit(), int32(maxSplits+1))
		for _, s := range m.splits {
			require.GreaterOrEqual(t, s.Number, int32(0))
			_ = s.first()
		}
		fits, err := m.fit(&Config{
			Job: "shop", MaxParallelism: 128,
			Shapes: []Shape{{UID: "clicks", Definition: "source"}, {UID: "windows", Definition: m.operators["windows"].Shape}, {UID: "new", Definition: "map"}},
		})
		if err != nil {
			require.ErrorIs(t, err, ErrShape)
			return
		}
		require.Less(t, fits.numbers["new"], uint16(math.MaxUint16))
	})
}
