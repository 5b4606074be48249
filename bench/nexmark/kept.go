package nexmark

import (
	"strings"

	"github.com/millrace/millrace/codec"
)

// What is kept in state has text of its own, and codecs.

func (b Bid) clone() Bid {
	b.Extra = strings.Clone(b.Extra)
	return b
}

func (a Auction) clone() Auction {
	a.Item, a.Description, a.Extra = strings.Clone(a.Item), strings.Clone(a.Description), strings.Clone(a.Extra)
	return a
}

var bidCodec = codec.Func("nexmark.bid/1", func(dst []byte, b Bid) ([]byte, error) {
	return appendTexts(appendInts(dst, b.Auction, b.Bidder, b.Price, b.At), b.Extra), nil
}, func(src []byte) (Bid, error) {
	f := fields{rest: src}
	b := Bid{Auction: f.int(), Bidder: f.int(), Price: f.int(), At: f.int(), Extra: f.text()}
	return b, f.end()
})

var bidsCodec = codec.SliceOf[Bid](bidCodec)

var auctionCodec = codec.Func("nexmark.auction/1", func(dst []byte, a Auction) ([]byte, error) {
	dst = appendInts(dst, a.ID, a.InitialBid, a.Reserve, a.At, a.Expires, a.Seller, a.Category)
	return appendTexts(dst, a.Item, a.Description, a.Extra), nil
}, func(src []byte) (Auction, error) {
	f := fields{rest: src}
	a := Auction{ID: f.int(), InitialBid: f.int(), Reserve: f.int(), At: f.int(), Expires: f.int(), Seller: f.int(), Category: f.int()}
	a.Item, a.Description, a.Extra = f.text(), f.text(), f.text()
	return a, f.end()
})
