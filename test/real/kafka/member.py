"""A member of a consumer group on librdkafka, which says what it is given.

    python member.py SETTINGS TOPIC...

SETTINGS: a JSON object of librdkafka's keys, group.id and partition.assignment.strategy among them. Prints a line of
JSON for each assignment, `{"assigned": 3}`, and for each record, `{"value": base64}`. Ends with SIGTERM, committing.
"""

import base64
import json
import signal
import sys

from confluent_kafka import Consumer

settings, *topics = sys.argv[1:]
going = True


def stop(*_):
    global going
    going = False


def say(**what):
    print(json.dumps(what), flush=True)


signal.signal(signal.SIGTERM, stop)
consumer = Consumer({"auto.offset.reset": "earliest", "session.timeout.ms": 6000, **json.loads(settings)})


def assigned(_, partitions):
    say(assigned=len(partitions))


def revoked(_, partitions):
    say(revoked=len(partitions))


consumer.subscribe(topics, on_assign=assigned, on_revoke=revoked)
while going:
    record = consumer.poll(0.1)
    if record is not None and record.error() is None:
        say(value=base64.b64encode(record.value()).decode())
consumer.close()
