package savepoint_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/state/savepoint"
)

var backends = []state.Backend{pebble.Backend(), memory.Backend()}

// content is a state with an operator, three shards and timers of both kinds. The values are not those of a job: savepoints do not look into them.
func content() *state.Batch {
	b := &state.Batch{}
	b.Set([]byte("mjob"), []byte(`{"Format":1,"Job":"shop","MaxParallelism":128}`))
	b.Set([]byte("moperator/clicks"), []byte(`{"Number":0,"Shape":"source"}`))
	b.Set([]byte("moperator/a/b"), []byte(`{"Number":1,"Shape":"process"}`))
	b.Set([]byte("mcells/a/b/job"), []byte(`{"Names":["count"],"Codecs":["int64"]}`))
	b.Set([]byte("msplit/clicks/topic/3"), []byte(`{"Number":0,"Position":42,"Stop":-1,"Watermark":1000}`))
	b.Set([]byte("msink/a/b/0"), []byte(`{"Pending":["AQ==","Ag=="]}`))
	b.Set([]byte("mepoch/job"), []byte(`7`))
	for i := range 50 {
		shard := uint16(i % 3 * 127)
		key := fmt.Appendf(nil, "key%d", i)
		b.Set(append(stored('s', 1, shard), key...), fmt.Appendf(nil, "value %d", i))
		for domain := range byte(2) {
			timer := binary.BigEndian.AppendUint16([]byte{'t', 0, 1, domain}, shard)
			b.Set(append(binary.BigEndian.AppendUint64(timer, 1<<63+uint64(i)), key...), nil)
		}
	}
	return b
}

func stored(prefix byte, operator, shard uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{prefix}, operator), shard)
}

func open(t *testing.T, b state.Backend, dir string) state.Store {
	t.Helper()
	s, err := b.Open(dir, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func fill(t *testing.T, b state.Backend, batch *state.Batch) state.Store {
	t.Helper()
	s := open(t, b, "")
	require.NoError(t, s.Commit(batch))
	return s
}

func write(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "savepoint")
	_, err := savepoint.Write(fill(t, memory.Backend(), content()), dir)
	require.NoError(t, err)
	return dir
}

func all(t *testing.T, s savepoint.Scanner) (entries []string) {
	t.Helper()
	require.NoError(t, s.Scan(nil, nil, func(k, v []byte) bool {
		entries = append(entries, fmt.Sprintf("%q=%q", k, v))
		return true
	}))
	return entries
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	content := map[string]string{}
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(dir, n.Name()))
		require.NoError(t, err)
		content[n.Name()] = string(b)
	}
	return content
}

func TestSameBytesFromAndToEveryBackend(t *testing.T) {
	want := files(t, write(t))
	require.Len(t, want, 1+1+3+6)
	for _, from := range backends {
		for _, to := range backends {
			t.Run(from.String()+" to "+to.String(), func(t *testing.T) {
				dir := t.TempDir()
				store := fill(t, from, content())
				first, second := filepath.Join(dir, "1"), filepath.Join(dir, "2")
				_, err := savepoint.Write(store, first)
				require.NoError(t, err)
				require.Equal(t, want, files(t, first))
				sp, err := savepoint.Open(first)
				require.NoError(t, err)
				require.Equal(t, all(t, store), all(t, sp))
				require.NoError(t, sp.Restore(to, filepath.Join(dir, "deep", "state")))
				restored := open(t, to, filepath.Join(dir, "deep", "state"))
				require.Equal(t, all(t, store), all(t, restored))
				_, err = savepoint.Write(restored, second)
				require.NoError(t, err)
				require.Equal(t, want, files(t, second))
			})
		}
	}
}

func TestManifestTells(t *testing.T) {
	sp, err := savepoint.Open(write(t))
	require.NoError(t, err)
	m := sp.Manifest()
	require.Equal(t, "shop", m.Job)
	require.Equal(t, 128, m.MaxParallelism)
	require.Equal(t, []savepoint.Split{{Operator: "clicks", ID: "topic/3", Position: 42, Stop: -1, Watermark: 1000}}, m.Splits)
	require.Equal(t, map[string]int{"a/b": 2}, m.Pending)
	require.Equal(t, map[string]int64{"job": 7}, m.Epochs)
	o := m.Operator("a/b")
	require.NotNil(t, o)
	require.Equal(t, []savepoint.Cell{{Name: "count", Codec: "int64"}}, o.Cells)
	require.Equal(t, []int64{3, 50, 50, 50}, []int64{int64(o.Shards), o.Keys, o.EventTimers, o.ProcessingTimers})
	require.Nil(t, m.Operator("none"))
	require.Contains(t, m.String(), "job shop: 50 keys (a/b 50), 1 splits, 10 files")
}

func TestScanOfRanges(t *testing.T) {
	sp, err := savepoint.Open(write(t))
	require.NoError(t, err)
	store := fill(t, memory.Backend(), content())
	bounds := [][]byte{nil, []byte("m"), []byte("mo"), []byte("n"), stored('s', 1, 0), stored('s', 1, 127), []byte("s\x00\x01\x00\x00key2"), stored('s', 1, 254), []byte("t"), []byte("u")}
	for _, from := range bounds {
		for _, to := range append(bounds[1:], nil) {
			var want, got []string
			require.NoError(t, store.Scan(from, to, func(k, _ []byte) bool { want = append(want, string(k)); return len(want) < 20 }))
			require.NoError(t, sp.Scan(from, to, func(k, _ []byte) bool { got = append(got, string(k)); return len(got) < 20 }))
			require.Equal(t, want, got, "[%q, %q)", from, to)
		}
	}
}

// Whatever byte of whatever file is changed, cut off or added, the file is named and nothing is restored.
func TestDamageIsRefusedByName(t *testing.T) {
	good := files(t, write(t))
	write := func(t *testing.T) (dir string) { // without syncs
		t.Helper()
		dir = t.TempDir()
		for name, content := range good {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
		}
		return dir
	}
	for name, whole := range good {
		damaged := map[string]string{"cut": whole[:len(whole)-1], "empty": "", "longer": whole + "x"}
		for at := 0; at < len(whole); at += 1 + len(whole)/16 {
			damaged[fmt.Sprintf("byte %d", at)] = whole[:at] + string(whole[at]^1) + whole[at+1:]
		}
		for what, content := range damaged {
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				dir := write(t)
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
				refused(t, dir, name)
			})
		}
		if name != "manifest.json" {
			t.Run(name+" missing", func(t *testing.T) {
				dir := write(t)
				require.NoError(t, os.Remove(filepath.Join(dir, name)))
				refused(t, dir, name)
			})
		}
	}
	t.Run("foreign", func(t *testing.T) {
		dir := write(t)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "state-00001-00009.kv"), []byte("MILLRSV1"), 0o644))
		refused(t, dir, "state-00001-00009.kv")
	})
	t.Run("swapped", func(t *testing.T) {
		dir := write(t)
		a, b := filepath.Join(dir, "state-00001-00000.kv"), filepath.Join(dir, "state-00001-00127.kv")
		require.NoError(t, os.Rename(a, a+"x"))
		require.NoError(t, os.Rename(b, a))
		require.NoError(t, os.Rename(a+"x", b))
		refused(t, dir, "state-00001-00")
	})
}

func refused(t *testing.T, dir, name string) {
	t.Helper()
	sp, err := savepoint.Open(dir)
	if name == "manifest.json" {
		require.ErrorContains(t, err, name)
		return
	}
	require.NoError(t, err)
	err = sp.Verify()
	require.ErrorIs(t, err, state.ErrCorrupt)
	require.ErrorContains(t, err, name)
	to := filepath.Join(t.TempDir(), "state")
	err = sp.Restore(memory.Backend(), to)
	require.ErrorIs(t, err, state.ErrCorrupt)
	require.ErrorContains(t, err, name)
	require.NoDirExists(t, to)
	require.NoDirExists(t, to+".restoring")
}

func TestNothingIsWrittenOver(t *testing.T) {
	dir := write(t)
	before := files(t, dir)
	_, err := savepoint.Write(fill(t, memory.Backend(), content()), dir)
	require.ErrorIs(t, err, savepoint.ErrExists)
	require.Equal(t, before, files(t, dir))
	sp, err := savepoint.Open(dir)
	require.NoError(t, err)
	require.ErrorIs(t, sp.Restore(memory.Backend(), dir), savepoint.ErrExists)
	require.Equal(t, before, files(t, dir))

	to := filepath.Join(t.TempDir(), "state")
	require.NoError(t, os.Mkdir(to+".restoring", 0o755))
	require.ErrorContains(t, sp.Restore(memory.Backend(), to), "another restore is under way")
	require.NoError(t, os.Remove(to+".restoring"))
	require.NoError(t, os.Mkdir(to, 0o755))
	require.NoError(t, sp.Restore(memory.Backend(), to), "an empty directory is fine")
}

func TestWhatIsNoSavepoint(t *testing.T) {
	_, err := savepoint.Open(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	dir := write(t)
	path := filepath.Join(dir, "manifest.json")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(b), `"format": 1`, `"format": 2`, 1)), 0o644))
	_, err = savepoint.Open(dir)
	require.ErrorIs(t, err, savepoint.ErrFormat)
	require.NoError(t, os.Remove(path))
	_, err = savepoint.Open(dir)
	require.ErrorIs(t, err, savepoint.ErrIncomplete)
}

func TestWriteRefusesWhatItDoesNotKnow(t *testing.T) {
	change := map[string]func(b *state.Batch){
		"unknown form":  func(b *state.Batch) { b.Set([]byte("x"), nil) },
		"number 9":      func(b *state.Batch) { b.Set(stored('s', 9, 0), nil) },
		"no job":        func(b *state.Batch) { b.Delete([]byte("mjob")) },
		"of format 9":   func(b *state.Batch) { b.Set([]byte("mjob"), []byte(`{"Format":9}`)) },
		"mepoch/job":    func(b *state.Batch) { b.Set([]byte("mepoch/job"), []byte(`{`)) },
		"unknown form,": func(b *state.Batch) { b.Set([]byte("t\x00\x01\x05\x00\x0012345678"), nil) },
	}
	for want, f := range change {
		b := content()
		f(b)
		dir := filepath.Join(t.TempDir(), "savepoint")
		_, err := savepoint.Write(fill(t, memory.Backend(), b), dir)
		require.ErrorContains(t, err, want)
		names, _ := os.ReadDir(dir)
		require.Empty(t, names, want)
	}
}

// Any manifest is an error or one whose savepoint can be verified without harm.
func FuzzManifest(f *testing.F) {
	b, err := json.Marshal(savepoint.Manifest{Format: 1, Files: []savepoint.File{{Name: "../run.kv"}}})
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte(`{"format":1,"sha256":"` + strings.Repeat("0", 64) + `"}`))
	f.Fuzz(func(t *testing.T, manifest []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), manifest, 0o644))
		sp, err := savepoint.Open(dir)
		if err == nil {
			_ = sp.Manifest().String()
			_ = sp.Verify()
		}
	})
}
