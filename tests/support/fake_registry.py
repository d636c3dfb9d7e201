# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""A registry in a thread that a test can make misbehave: `hook(request)` may answer any request itself."""
import base64
import json
import re
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from registry import digest_of


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _serve(self):
        self.fake.seen.append((self.command, self.path, dict(self.headers)))
        try:
            if not (self.fake.hook and self.fake.hook(self)):
                self.fake.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = _serve

    # What hooks use.

    @property
    def fake(self):
        return self.server.fake

    def body(self, most=None):
        """The request's body, or its first bytes (the connection is of no use after that)."""
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length if most is None else min(most, length))

    def reply(self, status, body=b"", **headers):
        """Sends an answer; header names have '_' for '-'."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        return True

    def hang_up(self):
        """Ends the connection without an answer."""
        self.close_connection = True
        self.connection.shutdown(2)
        return True


class FakeRegistry:
    """blobs: {digest: bytes}; manifests: {'repo:reference': (media type, bytes)}; seen: [(method, path, headers)].
    users: {name: password} makes it ask for Basic; token_url makes it ask for Bearer `token` with that realm."""

    def __init__(self, hook=None):
        self.blobs, self.manifests, self.uploads, self.seen, self.hook = {}, {}, {}, [], hook
        self.users, self.token_url, self.token = {}, None, "right"

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.fake = self
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def add(self, place, manifest, blobs, media_type="application/vnd.docker.distribution.manifest.v2+json"):
        """Puts a model at 'repo:tag'; gives the manifest's digest."""
        digest = digest_of(manifest)
        self.manifests[place] = self.manifests[f"{place.rpartition(':')[0]}:{digest}"] = (media_type, manifest)
        for blob in blobs:
            self.blobs[digest_of(blob)] = blob
        return digest

    def count(self, method, word):
        return sum(m == method and word in path for m, path, _ in self.seen)

    def authorizations(self):
        return [headers["Authorization"] for _, _, headers in self.seen if "Authorization" in headers]

    def allowed(self, request):
        given = request.headers.get("Authorization", "")
        if self.token_url:
            return given == f"Bearer {self.token}"
        return not self.users or given in {"Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()
                                           for name, word in self.users.items()}

    def answer(self, request):
        path, query = urlsplit(request.path).path, parse_qs(urlsplit(request.path).query)
        if not self.allowed(request):
            request.body()
            challenge = (f'Bearer realm="{self.token_url}",service="fake",scope="x"' if self.token_url
                         else 'Basic realm="fake"')
            return request.reply(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}',
                                 WWW_Authenticate=challenge)
        if found := re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", path):
            return self._manifest(request, found[1], found[2])
        if found := re.fullmatch(r"/v2/(.+)/blobs/uploads/([^/]*)", path):
            return self._upload(request, found[1], found[2], query)
        if found := re.fullmatch(r"/v2/(.+)/blobs/(.+)", path):
            return self.send_blob(request, found[2])
        return request.reply(404)

    def _manifest(self, request, repo, reference):
        if request.command == "PUT":
            data = request.body()
            digest = digest_of(data)
            for key in (reference, digest):
                self.manifests[f"{repo}:{key}"] = (request.headers["Content-Type"], data)
            return request.reply(201, Docker_Content_Digest=digest)
        if f"{repo}:{reference}" not in self.manifests:
            return request.reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        media_type, data = self.manifests[f"{repo}:{reference}"]
        return request.reply(200, data, Content_Type=media_type, Docker_Content_Digest=digest_of(data))

    def send_blob(self, request, digest):
        data = self.blobs.get(digest)
        if data is None:
            return request.reply(404, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}')
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if not wanted:
            return request.reply(200, data, Accept_Ranges="bytes", ETag=f'"{digest}"')
        first, last = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
        if first >= len(data):
            return request.reply(416, Content_Range=f"bytes */{len(data)}")
        return request.reply(206, data[first:last + 1], Accept_Ranges="bytes", ETag=f'"{digest}"',
                             Content_Range=f"bytes {first}-{last}/{len(data)}")

    def _upload(self, request, repo, upload, query):
        place = {"Location": f"/v2/{repo}/blobs/uploads/{upload}?x=y"}
        if request.command == "POST":
            if query.get("mount", [""])[0] in self.blobs and "from" in query:
                return request.reply(201)
            upload = str(uuid.uuid4())
            self.uploads[upload] = b""
            return request.reply(202, Location=f"/v2/{repo}/blobs/uploads/{upload}?x=y", Range="0-0")
        if upload not in self.uploads:
            request.body()
            return request.reply(404, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"upload unknown"}]}')
        has = len(self.uploads[upload])
        if request.command == "GET":
            return request.reply(204, Range=f"0-{max(has - 1, 0)}", **place)
        span = request.headers.get("Content-Range")
        if span and int(span.split("-")[0]) != has:
            request.body()
            return request.reply(416, Range=f"0-{max(has - 1, 0)}", **place)
        self.uploads[upload] += request.body()
        if request.command == "PATCH":
            return request.reply(202, Range=f"0-{len(self.uploads[upload]) - 1}", **place)
        data = self.uploads.pop(upload)
        if digest_of(data) != query["digest"][0]:
            return request.reply(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"digest did not match"}]}')
        self.blobs[digest_of(data)] = data
        return request.reply(201)


class TokenService(FakeRegistry):
    """Gives `token` to whoever asks (with users: to those). asked: the queries."""

    def __init__(self, make_token=lambda query: "right"):
        super().__init__()
        self.make_token, self.asked = make_token, []

    @property
    def url(self):
        return f"http://{self.host}/token"

    def answer(self, request):
        if not self.allowed(request):
            return request.reply(401, WWW_Authenticate='Basic realm="tokens"')
        self.asked.append(parse_qs(urlsplit(request.path).query))
        return request.reply(200, json.dumps({"token": self.make_token(self.asked[-1]), "expires_in": 60}).encode())
