package front

import (
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// carrier is a message on its way through grpc-go to the codec. A codec is told
// nothing but the message, so the message is wrapped in one that knows whose it
// is. Handlers and interceptors never see a carrier.
type carrier struct {
	rec       *record.Record
	msg       any
	streaming bool // one of many messages: the stage repeats
}

// stamp notes one stretch of a stage, which a streaming call passes many times.
func (c *carrier) stamp(s stages.Stage, begin, end int64) {
	if c.streaming {
		c.rec.Repeat(s, begin, end)
		return
	}
	c.rec.BeginAt(s, begin)
	c.rec.EndAt(s, end)
}

// codec does what the registered codec does, and stamps the messages that come
// as carriers.
type codec struct{ encoding.CodecV2 }

// protoCodec returns the codec that a server without seams would use.
func protoCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(*carrier)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	begin := record.Now()
	data, err := c.CodecV2.Marshal(m.msg)
	m.stamp(stages.CodecEncode, begin, record.Now())
	return data, err
}

func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*carrier)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	begin := record.Now()
	err := c.CodecV2.Unmarshal(data, m.msg)
	m.stamp(stages.CodecDecode, begin, record.Now())
	return err
}
