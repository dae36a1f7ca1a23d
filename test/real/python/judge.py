"""Compares what was sent with what the file exporter wrote, item by item, with the official protobuf package.

    judge.py SIGNAL SENT FILE [FILE...]

SENT: length-prefixed requests (4 bytes big-endian, then the message). FILE: OTLP/JSON lines (*.json, *.jsonl), or
length-prefixed protobuf (anything else). Prints the number of items and exits 0 when both hold the same items, each
with the same resource, scope and schema URLs, the same number of times; otherwise prints the differences and exits 1.
"""

import base64
import json
import struct
import sys
from collections import Counter

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

REQUEST = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
}
WORDS = {
    "traces": ("resource_spans", "scope_spans", "spans"),
    "metrics": ("resource_metrics", "scope_metrics", "metrics"),
    "logs": ("resource_logs", "scope_logs", "log_records"),
}
POINTS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
HEX = {"traceId", "spanId", "parentSpanId"}


def length_prefixed(path, kind):
    with open(path, "rb") as source:
        data = source.read()
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        yield kind.FromString(data[at + 4 : at + 4 + size])
        at += 4 + size


def base64_ids(value):
    """OTLP/JSON writes ids as hex; protobuf's own JSON reader wants base64."""
    if isinstance(value, list):
        return [base64_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(one)).decode() if key in HEX else base64_ids(one)
        for key, one in value.items()
    }


def json_lines(path, kind):
    """The requests of one signal; a file may hold all of them, a line each."""
    top = kind.DESCRIPTOR.fields[0].json_name
    with open(path, encoding="utf-8") as source:
        for line in source:
            if line.startswith(f'{{"{top}"'):
                yield json_format.ParseDict(base64_ids(json.loads(line)), kind(), ignore_unknown_fields=False)


def items(requests, signal):
    top, middle, leaf = WORDS[signal]
    for request in requests:
        for resource in getattr(request, top):
            for scope in getattr(resource, middle):
                around = (
                    resource.resource.SerializeToString(deterministic=True),
                    resource.schema_url,
                    scope.scope.SerializeToString(deterministic=True),
                    scope.schema_url,
                )
                for item in getattr(scope, leaf):
                    if signal != "metrics":
                        yield around, item.SerializeToString(deterministic=True), str(item)
                        continue
                    data = getattr(item, item.WhichOneof("data")) if item.WhichOneof("data") else None
                    for point in list(data.data_points) if data is not None else []:
                        alone = type(item)()
                        alone.CopyFrom(item)
                        kept = getattr(alone, item.WhichOneof("data")).data_points
                        del kept[:]
                        kept.append(point)
                        yield around, alone.SerializeToString(deterministic=True), str(alone)


def main(signal, sent_path, *written_paths):
    kind = REQUEST[signal]
    sent = Counter(items(length_prefixed(sent_path, kind), signal))
    arrived = Counter()
    for path in written_paths:
        read = json_lines if path.endswith((".json", ".jsonl")) else length_prefixed
        arrived.update(items(read(path, kind), signal))
    missing, extra = sent - arrived, arrived - sent
    for name, differing in (("missing", missing), ("extra", extra)):
        for (_, _, text), count in list(differing.items())[:3]:
            print(f"{name} x{count}: {text[:600]}")
    print(f"{signal}: {sum(sent.values())} sent, {sum(arrived.values())} arrived")
    return 1 if missing or extra or not sent else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
