package codec_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/state"
)

// Three versions of a sum: text, a number, and cents.
var (
	sumV1 = codec.String()
	sumV2 = codec.Migrating[int](codec.Int(), codec.From(sumV1, strconv.Atoi))
	sumV3 = codec.Migrating[int64](codec.JSON[int64](3).Named("cents"), codec.From(sumV2, func(n int) (int64, error) { return int64(n) * 100, nil }))
)

func read[T any](t *testing.T, c state.Codec[T], id string, src []byte) (T, error) {
	t.Helper()
	r := state.ReaderOf(c, id)
	require.NotNil(t, r, "%s does not read %s", c.ID(), id)
	return r(src)
}

func TestMigrating(t *testing.T) {
	require.Equal(t, "json:cents/v3", sumV3.ID(), "it is called as what it writes")
	v1, err := sumV1.Append(nil, "7")
	require.NoError(t, err)
	v2, err := sumV2.Append(nil, 7)
	require.NoError(t, err)
	v3, err := sumV3.Append(nil, 700)
	require.NoError(t, err)
	for id, src := range map[string][]byte{sumV1.ID(): v1, sumV2.ID(): v2, sumV3.ID(): v3} {
		got, err := read[int64](t, sumV3, id, src)
		require.NoError(t, err)
		require.EqualValues(t, 700, got, id)
	}
	require.Nil(t, state.ReaderOf[int64](sumV3, "float64"))
	require.Nil(t, state.ReaderOf[string](sumV1, sumV2.ID()), "a codec that is no Migrator reads its own")
	_, err = read[int](t, sumV2, sumV1.ID(), []byte("seven"))
	require.ErrorContains(t, err, "migrating from codec "+sumV1.ID())
	require.ErrorIs(t, err, strconv.ErrSyntax)
	_, err = read[int64](t, sumV3, sumV2.ID(), []byte{1})
	require.ErrorIs(t, err, codec.ErrMalformed)
}

func TestMigratingWithin(t *testing.T) {
	slices, err := codec.SliceOf[string](sumV1).Append(nil, []string{"1", "22"})
	require.NoError(t, err)
	got, err := read[[]int64](t, codec.SliceOf[int64](sumV3), codec.SliceOf[string](sumV1).ID(), slices)
	require.NoError(t, err)
	require.Equal(t, []int64{100, 2200}, got)
	require.Nil(t, state.ReaderOf[[]int64](codec.SliceOf[int64](sumV3), "slice(float64)"))

	old := codec.PairOf[string, codec.Pair[string, int]](sumV1, codec.PairOf[string, int](codec.String(), codec.Int()))
	now := codec.PairOf[int64, codec.Pair[string, int]](sumV3, codec.PairOf[string, int](codec.String(), codec.Int()))
	b, err := old.Append(nil, codec.Pair[string, codec.Pair[string, int]]{First: "3", Second: codec.Pair[string, int]{First: "x", Second: 1}})
	require.NoError(t, err)
	pair, err := read[codec.Pair[int64, codec.Pair[string, int]]](t, now, old.ID(), b)
	require.NoError(t, err)
	require.Equal(t, codec.Pair[int64, codec.Pair[string, int]]{First: 300, Second: codec.Pair[string, int]{First: "x", Second: 1}}, pair)
	require.Nil(t, state.ReaderOf[codec.Pair[int64, codec.Pair[string, int]]](now, "pair(x)"))
}

func TestSchemasOfWhatIsWithin(t *testing.T) {
	c := codec.Migrating[[]*v2](codec.SliceOf[*v2](codec.Proto[*v2]()), codec.From[[]*v2](codec.PairOf[*v1, string](codec.Proto[*v1](), codec.String()),
		func(codec.Pair[*v1, string]) ([]*v2, error) { return nil, errors.New("none") }))
	all := state.Schemas(c)
	require.Equal(t, map[string][]byte{"proto:shop.v1.Order": codec.Proto[*v2]().Schema()}, all, "what it writes comes first")
	require.Nil(t, state.Schemas(codec.Int()))
	changes, err := state.CompareSchemas(c, map[string][]byte{"proto:shop.v1.Order": codec.Proto[*v1]().Schema(), "proto:other": nil})
	require.NoError(t, err)
	require.Len(t, changes, 4)
	_, err = state.CompareSchemas(c, map[string][]byte{"proto:shop.v1.Order": []byte("x")})
	require.Error(t, err)
}

func ExampleMigrating() {
	type cart struct{ Cents int64 }
	cartJSON := codec.JSON[cart](2).Named("cart")
	cartV1 := codec.String() // "12.50", once
	cartV2 := codec.Migrating(cartJSON, codec.From(cartV1, func(s string) (cart, error) {
		euros, err := strconv.ParseFloat(s, 64)
		return cart{int64(euros * 100)}, err
	}))
	read := state.ReaderOf(cartV2, "string")
	c, err := read([]byte("12.50"))
	fmt.Println(cartV2.ID(), c, err)
	// Output: json:cart/v2 {1250} <nil>
}
