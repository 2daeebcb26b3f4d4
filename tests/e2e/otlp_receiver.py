# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A receiver of OTLP/HTTP logs on loopback, which answers as a test wants it to, and decodes what it
was sent with OpenTelemetry's own messages."""
import contextlib
import gzip
import http.server
import json
import ssl
import sys
import threading
import time

import pytest

import harness
import packages

OK = (200, {}, b"")


def messages():
    """opentelemetry-proto's modules: (logs_service_pb2, json_format)."""
    try:
        for folder in packages.path(harness.system_python(), "opentelemetry-proto"):
            if folder not in sys.path:
                sys.path.append(folder)
        from google.protobuf import json_format
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
    except (packages.Unavailable, ImportError) as why:
        pytest.skip(f"opentelemetry-proto: {why}")
    return logs_service_pb2, json_format


def value(any_value):
    return getattr(any_value, any_value.WhichOneof("value"))


def attributes(message):
    return {pair.key: value(pair.value) for pair in message.attributes}


class Record:
    """One log record, with the resource that it is of."""

    def __init__(self, resource, scope, record):
        self.resource, self.scope, self.record = attributes(resource), scope, record
        self.attributes = attributes(record)
        assert len(self.attributes) == len(record.attributes)
        self.uid, self.id = self.attributes["log.record.uid"], self.attributes.get("fdtrace.id")
        self.is_finding = record.event_name.startswith("fdtrace.fd.")


class Request:
    def __init__(self, path, headers, body, decode):
        self.path, self.headers, self.time = path, headers, time.monotonic()
        self.is_gzip = headers.get("Content-Encoding") == "gzip"
        self.body = gzip.decompress(body) if self.is_gzip else body
        assert len(self.body) <= 1 << 20
        self.records = [Record(r.resource, s.scope, record)
                        for r in decode(headers["Content-Type"], self.body).resource_logs
                        for s in r.scope_logs for record in s.log_records]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = harness.TIMEOUT

    def do_POST(self):
        receiver, length = self.server.receiver, int(self.headers["Content-Length"])
        if receiver.before and receiver.before(self, length):
            self.close_connection = True
            return
        request = Request(self.path, self.headers, self.rfile.read(length), receiver.decode)
        receiver.requests.append(request)
        answer = receiver.answer(request)
        if answer is None:
            self.close_connection = True
            return
        status, headers, body = answer
        if status == 200:
            receiver.taken.extend(request.records)
        self.send_response(status)
        for name, text in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    receiver = None

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError, ssl.SSLError)):
            self.receiver.errors.append(error)


class Receiver:
    """answer(request): (status, headers, body), or None: the connection is closed.
    before(handler, length): before the body is read; true: the request is not answered."""

    def __init__(self, answer=lambda request: OK, before=None, port=0, context=None):
        self.answer, self.before = answer, before
        self.requests, self.taken, self.errors = [], [], []
        self.service, self.json_format = messages()
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.receiver = self
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        assert not self.errors, self.errors

    def decode(self, content_type, body):
        request = self.service.ExportLogsServiceRequest()
        if content_type == "application/json":
            return self.json_format.ParseDict(json.loads(body), request)
        assert content_type == "application/x-protobuf"
        request.ParseFromString(body)
        return request

    def ids(self):
        """Of the findings that it has taken."""
        return {record.id for record in self.taken if record.is_finding}

    def partial(self, rejected, why):
        answer = self.service.ExportLogsServiceResponse()
        answer.partial_success.rejected_log_records = rejected
        answer.partial_success.error_message = why
        return 200, {"Content-Type": "application/x-protobuf"}, answer.SerializeToString()
