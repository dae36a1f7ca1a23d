"""Reads topics from their beginning to their end with librdkafka, and prints each record as a line of JSON.

    consume.py '{"bootstrap.servers": ..}' TOPIC...

Checksums of record batches are checked. A record whose value is OTLP (the topic's name says of which signal and
encoding: PREFIX.traces.otlp_json) is parsed with the official protobuf classes; `message` is what they make of it.
"""

import base64
import json
import sys

from confluent_kafka import Consumer, KafkaError, TopicPartition
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
IDS = ("traceId", "spanId", "parentSpanId")


def text(value):
    return None if value is None else base64.b64encode(value).decode()


def with_base64_ids(node):
    """OTLP/JSON has ids in hex, protobuf's own JSON in base64."""
    if isinstance(node, list):
        return [with_base64_ids(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: text(bytes.fromhex(value)) if key in IDS else with_base64_ids(value) for key, value in node.items()
    }


def parsed(topic, value):
    words = topic.split(".")
    if len(words) < 3 or words[-2] not in REQUESTS:
        return None
    request = REQUESTS[words[-2]]()
    if words[-1] == "otlp_proto":
        request.ParseFromString(value)
    elif words[-1] == "otlp_json":
        json_format.ParseDict(with_base64_ids(json.loads(value)), request)
    else:
        return None
    return text(request.SerializeToString(deterministic=True))


def main(settings, topics):
    consumer = Consumer(
        {
            "group.id": "judge",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "check.crcs": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_uncommitted",
            **settings,
        }
    )
    found = consumer.list_topics(timeout=30).topics
    partitions = [
        TopicPartition(topic, number, 0) for topic in topics if topic in found for number in found[topic].partitions
    ]
    consumer.assign(partitions)
    left = {(one.topic, one.partition) for one in partitions}
    while left:
        record = consumer.poll(60)
        if record is None:
            sys.exit(f"nothing came from {left} for a minute")
        if record.error() is not None:
            if record.error().code() == KafkaError._PARTITION_EOF:
                left.discard((record.topic(), record.partition()))
                continue
            sys.exit(str(record.error()))
        print(
            json.dumps(
                {
                    "topic": record.topic(),
                    "partition": record.partition(),
                    "key": text(record.key()),
                    "headers": [[name, text(value)] for name, value in record.headers() or []],
                    "value": text(record.value()),
                    "message": parsed(record.topic(), record.value()),
                }
            )
        )
    consumer.close()


main(json.loads(sys.argv[1]), sys.argv[2:])
