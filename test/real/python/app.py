"""A small Flask shop and its client, instrumented by nobody: run under opentelemetry-instrument.

Makes traces (server, client, an error with a recorded exception, links), metrics (counter, histogram, a value above
2^53) and logs. Everything the exporters encode is also appended to the file SENT, length-prefixed, so that a judge can
compare what was sent with what arrived.
"""

import importlib
import logging
import os
import struct
import threading

SENT = os.environ["SENT"]
LOCK = threading.Lock()
EXPORTERS = {
    "traces": ("trace_exporter", "encode_spans"),
    "metrics": ("metric_exporter", "encode_metrics"),
    "logs": ("_log_exporter", "encode_logs"),
}


def record(signal, encode):
    def recording(data):
        request = encode(data)
        body = request.SerializeToString()
        with LOCK, open(f"{SENT}.{signal}", "ab") as out:
            out.write(struct.pack(">I", len(body)) + body)
        return request

    return recording


for transport in ("grpc", "http"):
    for signal, (module, name) in EXPORTERS.items():
        loaded = importlib.import_module(f"opentelemetry.exporter.otlp.proto.{transport}.{module}")
        setattr(loaded, name, record(signal, getattr(loaded, name)))

import requests  # noqa: E402
from flask import Flask, abort  # noqa: E402
from opentelemetry import metrics, trace  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

app = Flask(__name__)
log = logging.getLogger("shop")
tracer = trace.get_tracer("shop", "1.2.3")
meter = metrics.get_meter("shop", "1.2.3")
orders = meter.create_counter("shop.orders", unit="{order}", description="Orders taken")
weight = meter.create_histogram("shop.order.weight", unit="kg")


@app.route("/order/<int:number>")
def order(number):
    orders.add(1, {"kind": "book" if number % 2 else "record"})
    weight.record(number * 1.5, {"kind": "book"})
    with tracer.start_as_current_span("pack", attributes={"order.number": number, "big": 2**53 + 1, "tags": ["a", "b"]}):
        log.warning("order %s packed", number, extra={"order.number": number})
    return {"number": number}


@app.route("/missing")
def missing():
    abort(404)


@app.route("/broken")
def broken():
    raise RuntimeError("the printer is on fire")


def main():
    logging.getLogger().setLevel(logging.INFO)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    for number in range(20):
        requests.get(f"{base}/order/{number}", timeout=10)
    requests.get(f"{base}/missing", timeout=10)
    requests.get(f"{base}/broken", timeout=10)
    try:
        requests.get("http://127.0.0.1:1/refused", timeout=1)
    except requests.ConnectionError:
        log.exception("nobody there")
    server.shutdown()


main()
