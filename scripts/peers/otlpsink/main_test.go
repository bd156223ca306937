package main

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// field wraps content as one length-delimited field.
func field(number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
}

// Two spans in one scope and one in another are three; resources and names do
// not count.
func TestCountSpans(t *testing.T) {
	span := field(5, []byte("etcdserverpb.KV/Put"))
	scope := append(field(1, []byte("scope's name")), append(field(2, span), field(2, span)...)...)
	resource := append(field(1, []byte("resource")), append(field(2, scope), field(2, field(2, span))...)...)
	n, err := countSpans(field(1, resource))
	if err != nil || n != 3 {
		t.Fatalf("counted %d spans, %v; want 3", n, err)
	}
}

func TestCountSpansRefusesWhatIsCutShort(t *testing.T) {
	whole := field(1, field(2, field(2, []byte("span"))))
	if _, err := countSpans(whole[:len(whole)-1]); err == nil {
		t.Fatal("a request that ends in the middle was counted")
	}
}
