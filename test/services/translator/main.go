// Runs the Collector's translators on what it reads: lines of "<operation> <base64>", answered by a line of JSON each.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/gogo/protobuf/jsonpb"
	"github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/jaeger"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/zipkin/zipkinv1"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/zipkin/zipkinv2"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

type record struct {
	Key   string `json:"key,omitempty"`
	Value []byte `json:"value"`
}

type answer struct {
	Records []record `json:"records,omitempty"`
	Otlp    []byte   `json:"otlp,omitempty"`
	Error   string   `json:"error,omitempty"`
}

func failed(err error) answer { return answer{Error: err.Error()} }

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := in.ReadString('\n')
		if operation, data, found := strings.Cut(strings.TrimRight(line, "\n"), " "); found {
			message, err := base64.StdEncoding.DecodeString(data)
			if err != nil {
				panic(err)
			}
			reply, _ := json.Marshal(run(operation, message))
			fmt.Fprintf(out, "%s\n", reply)
		}
		if err != nil {
			return
		}
	}
}

func run(operation string, message []byte) answer {
	switch operation {
	case "to_jaeger_proto":
		return toJaeger(message, func(span *model.Span) ([]byte, error) { return span.Marshal() })
	case "to_jaeger_json":
		return toJaeger(message, func(span *model.Span) ([]byte, error) {
			var text bytes.Buffer
			err := (&jsonpb.Marshaler{}).Marshal(&text, span)
			return text.Bytes(), err
		})
	case "to_zipkin_json":
		return toZipkin(message, zipkinv2.NewJSONTracesMarshaler())
	case "to_zipkin_proto":
		return toZipkin(message, zipkinv2.NewProtobufTracesMarshaler())
	case "from_jaeger_proto":
		span := &model.Span{}
		return fromJaeger(span, span.Unmarshal(message))
	case "from_jaeger_json":
		span := &model.Span{}
		return fromJaeger(span, jsonpb.Unmarshal(bytes.NewReader(message), span))
	case "from_zipkin_json":
		return fromTraces(zipkinv2.NewJSONTracesUnmarshaler(false).UnmarshalTraces(message))
	case "from_zipkin_json_parsed":
		return fromTraces(zipkinv2.NewJSONTracesUnmarshaler(true).UnmarshalTraces(message))
	case "from_zipkin_proto":
		return fromTraces(zipkinv2.NewProtobufTracesUnmarshaler(false, false).UnmarshalTraces(message))
	case "from_zipkin_thrift":
		return fromTraces(zipkinv1.NewThriftTracesUnmarshaler().UnmarshalTraces(message))
	}
	panic("no operation " + operation)
}

// As the kafka exporter's jaeger marshalers do it.
func toJaeger(message []byte, marshal func(*model.Span) ([]byte, error)) answer {
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(message)
	if err != nil {
		return failed(err)
	}
	var made answer
	for _, batch := range jaeger.ProtoFromTraces(traces) {
		for _, span := range batch.Spans {
			span.Process = batch.Process
			value, err := marshal(span)
			if err != nil {
				return failed(err)
			}
			made.Records = append(made.Records, record{Key: span.TraceID.String(), Value: value})
		}
	}
	return made
}

func toZipkin(message []byte, marshaler ptrace.Marshaler) answer {
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(message)
	if err != nil {
		return failed(err)
	}
	value, err := marshaler.MarshalTraces(traces)
	if err != nil {
		return failed(err)
	}
	return answer{Records: []record{{Value: value}}}
}

// As the kafka receiver's jaeger unmarshalers do it.
func fromJaeger(span *model.Span, err error) answer {
	if err != nil {
		return failed(err)
	}
	return fromTraces(jaeger.ProtoToTraces([]*model.Batch{{Spans: []*model.Span{span}, Process: span.Process}}))
}

func fromTraces(traces ptrace.Traces, err error) answer {
	if err != nil {
		return failed(err)
	}
	otlp, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	if err != nil {
		return failed(err)
	}
	return answer{Otlp: otlp}
}
