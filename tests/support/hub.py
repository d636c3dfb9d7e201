# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""A model hub on loopback for tests: an API and files on one port, which redirects to a file server on another as hubs
redirect to their CDN. Its answers are those that the Python client of Hugging Face understands (tests/parity/test_hub.py).
Answers can be spoilt, and every request is logged."""
import base64
import hashlib
import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

PIECE = 256 << 10
LOOKS = ("bytes=0-0", f"bytes=0-{(1 << 20) - 1}")  # what asks for the size, and at the head of a model
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Hub:
    """files: {path: bytes}; those in lfs are in Git LFS. Used as a context manager.

    spoil(path, fault, ...) lets the file server's next answers for path go wrong, one fault each:
      ("status", code, {header: value}), ("cut", n): closes after n bytes, ("length", n): states n bytes more,
      ("bytes", data): other content of the same length, ("whole",): ignores the range, ("gzip",): claims compression,
      ("range", n): a Content-Range n bytes off."""

    def __init__(self, files=None, lfs=(), repo="owner/tiny", **info):
        self.files = dict(files or {})
        self.lfs, self.repo, self.info = set(lfs), repo, info
        self.faults, self.api_faults, self.etags = {}, [], {}
        self.log = []  # (port, method, path, range, authorization, status)
        self.token = None  # asked for by the API and the files
        self.others = {}  # "models/owner/name" or "datasets/owner/name": (files, info) of more repositories
        self.raw = {}  # path: (content type, bytes) served as they are by the API's port
        self.raw_auth = None  # Basic credentials for raw paths
        self.sent, self.kill_at, self.on_kill = 0, None, None
        self.redirect = "cdn"  # or "none", "loop", a URL
        self.gated = None  # a token with which the terms were not accepted
        self.renamed = None  # the repository's former name
        self.xet = False  # announce another way to the same bytes
        self.page = 1000  # entries of an answer that lists files
        self.lock = threading.Lock()
        self.servers = [self._serve(self._api), self._serve(self._cdn)]

    def _serve(self, answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                try:
                    answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_HEAD = do_POST = do_GET

            def log_message(self, *_):
                pass
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    @property
    def url(self):
        return f"http://127.0.0.1:{self.servers[0].server_port}"

    @property
    def cdn(self):
        return f"http://127.0.0.1:{self.servers[1].server_port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def spoil(self, path, *faults):
        self.faults.setdefault(path, []).extend(faults)

    def ranges(self, since=0):
        """The ranges that the file server was asked for, but for those that ask for the size or look at the head."""
        return [entry[3] for entry in self.log[since:]
                if entry[0] == "cdn" and entry[1] == "GET" and entry[3] not in LOOKS]

    # ---- answers

    def _note(self, port, handler, status):
        with self.lock:
            self.log.append((port, handler.command, handler.path, handler.headers.get("Range"),
                             handler.headers.get("Authorization"), status))

    @staticmethod
    def _send(handler, status, body=b"", headers=None):
        handler.send_response(status)
        for key, value in {"Content-Length": len(body), **(headers or {})}.items():
            handler.send_header(key, str(value))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def _listing(self):
        siblings = []
        for path, data in self.files.items():
            row = {"rfilename": path, "size": len(data), "blobId": git_sha1(data)}
            if path in self.lfs:
                row["lfs"] = {"sha256": sha256(data), "size": len(data), "pointerSize": 134}
            siblings.append(row)
        return {"_id": "0", "id": self.repo, "modelId": self.repo, "author": self.repo.split("/")[0], "sha": COMMIT,
                "lastModified": "2026-01-01T00:00:00.000Z", "private": False, "disabled": False, "gated": False,
                "tags": [], "downloads": 0, "likes": 0, "siblings": siblings, **self.info}

    def _entry(self, path):
        data = self.files[path]
        row = {"type": "file", "oid": git_sha1(data), "size": len(data), "path": path}
        if path in self.lfs:
            row |= {"lfs": {"oid": sha256(data), "size": len(data), "pointerSize": 134}, "xetHash": sha256(b"xet" + data)}
        return row

    def _refuse(self, handler, status, code, message):
        self._note("api", handler, status)
        return self._send(handler, status, json.dumps({"error": message}).encode(), {
            "X-Error-Code": code, "X-Error-Message": message, "Content-Type": "application/json; charset=utf-8"})

    def _list_tree(self, handler, query):
        """All files below the top, in pages."""
        begin = int(query.get("cursor", ["0"])[0])
        rows = [self._entry(path) for path in self.files][begin:begin + self.page]
        headers = {"Content-Type": "application/json"}
        if begin + self.page < len(self.files):
            place = urlsplit(handler.path).path
            headers["Link"] = f'<{self.url}{place}?recursive=true&cursor={begin + self.page}>; rel="next"'
        self._note("api", handler, 200)
        return self._send(handler, 200, json.dumps(rows).encode(), headers)

    def _answer(self, handler, status, document):
        self._note("api", handler, status)
        return self._send(handler, status, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _raw(self, handler, path):
        wanted = self.raw_auth and "Basic " + base64.b64encode(self.raw_auth.encode()).decode()
        ok = not wanted or handler.headers.get("Authorization") == wanted
        self._note("api", handler, 200 if ok else 401)
        if not ok:
            return self._send(handler, 401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        kind, body = self.raw[path]
        return self._send(handler, 200, body, {"Content-Type": kind})

    def _other(self, handler, path):
        """Answers for one of the other repositories; False: it is none of them."""
        for place, (files, info) in self.others.items():
            web = place.removeprefix("models/")
            if path.startswith(f"/{web}/resolve/{COMMIT}/"):
                data = files.get(path.split("/", web.count("/") + 4)[-1])
                status, body = (404, b"no") if data is None else (200, data)
            elif path == f"/api/{place}/revision/main":
                siblings = [{"rfilename": name, "size": len(data), "blobId": git_sha1(data)} for name, data in files.items()]
                status, body = 200, json.dumps({"id": place, "sha": COMMIT, "siblings": siblings, **info}).encode()
            else:
                continue
            self._note("api", handler, status)
            self._send(handler, status, body)
            return True
        return False

    def _api(self, handler):
        parts = urlsplit(handler.path)
        path, query = unquote(parts.path), urllib.parse.parse_qs(parts.query)
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        if self._other(handler, path):
            return None
        if path in self.raw:
            return self._raw(handler, path)
        if self.api_faults and "/resolve" not in path:
            status, headers = self.api_faults.pop(0)
            self._note("api", handler, status)
            return self._send(handler, status, b"{}", headers)
        if self.renamed and f"{path}/".startswith((f"/{self.renamed}/", f"/api/models/{self.renamed}/")):
            self._note("api", handler, 307)
            return self._send(handler, 307, b"", {"Location": handler.path.replace(self.renamed, self.repo, 1)})
        sent = handler.headers.get("Authorization")
        wanted = self.token and "Bearer " + self.token
        if self.gated and sent == "Bearer " + self.gated:
            return self._refuse(handler, 403, "GatedRepo", f"Access to model {self.repo} is restricted and you are not in "
                                f"the authorized list. Visit {self.url}/{self.repo} to ask for access.")
        if wanted and sent and sent != wanted:
            return self._refuse(handler, 401, "", "Invalid credentials in Authorization header")
        if wanted and not sent:
            return self._refuse(handler, 401, "GatedRepo", f"Access to model {self.repo} is restricted. You must have "
                                "access to it and be authenticated to access it. Please log in.")
        return self._ask(handler, path, query, body)

    def _ask(self, handler, path, query, body):
        place = re.fullmatch(rf"/api/models/{re.escape(self.repo)}(/(revision|tree|paths-info)/(.+))?", path)
        file = re.fullmatch(rf"/{re.escape(self.repo)}/resolve/(main|v1|refs/pr/1|{COMMIT})/(.+)", path)
        cached = re.fullmatch(rf"/api/resolve-cache/models/{re.escape(self.repo)}/{COMMIT}/(.+)", path)
        if place and place[3] and not re.fullmatch(rf"main|v1|refs/pr/1|{COMMIT}", place[3]):
            return self._refuse(handler, 404, "RevisionNotFound", f"Invalid rev id: {place[3]}")
        if place and place[2] in (None, "revision"):
            listing = self._listing()
            if query.get("blobs") != ["true"]:
                listing["siblings"] = [{"rfilename": row["rfilename"]} for row in listing["siblings"]]
            return self._answer(handler, 200, listing)
        if place and place[2] == "tree":
            return self._list_tree(handler, query)
        if place:
            asked = urllib.parse.parse_qs(body.decode()).get("paths", [])
            if body[:1] == b"{":
                asked = json.loads(body)["paths"]
            return self._answer(handler, 200, [self._entry(x) for x in asked if x in self.files])
        if cached and cached[1] in self.files:
            return self._file(handler, cached[1], "api")
        if file and file[2] in self.files:
            return self._resolve(handler, file[2])
        if f"/{self.repo}/resolve/" in path:
            code = "EntryNotFound" if file else "RevisionNotFound"
            return self._refuse(handler, 404, code, "Entry not found" if file else "Invalid rev id")
        # What is not there is told like what is private.
        if handler.headers.get("Authorization"):
            return self._refuse(handler, 404, "RepoNotFound", "Repository not found")
        return self._refuse(handler, 401, "RepoNotFound", "Invalid username or password.")

    def _resolve(self, handler, path):
        data = self.files[path]
        target = {"cdn": f"{self.cdn}/{urllib.parse.quote(path)}?signature=x", "loop": handler.path}.get(
            self.redirect, self.redirect)
        if self.redirect == "none":
            return self._file(handler, path, "cdn")
        if path not in self.lfs:
            self._note("api", handler, 307)
            return self._send(handler, 307, headers={
                "Location": f"/api/resolve-cache/models/{self.repo}/{COMMIT}/{urllib.parse.quote(path)}?etag=x",
                "X-Repo-Commit": COMMIT, "X-Linked-Size": len(data), "X-Linked-ETag": f'"{git_sha1(data)}"'})
        self._note("api", handler, 302)
        headers = {"Location": target, "X-Repo-Commit": COMMIT, "X-Linked-Size": len(data),
                   "X-Linked-ETag": f'"{sha256(data)}"', "ETag": f'"{git_sha1(data)}"', "Accept-Ranges": "bytes"}
        if self.xet:
            headers["X-Xet-Hash"] = sha256(b"xet" + data)
            headers["Link"] = f'<{self.url}/xet-auth>; rel="xet-auth", <{self.cdn}/reconstruction>; rel="xet-reconstruction-info"'
        return self._send(handler, 302, headers=headers)

    def _cdn(self, handler):
        self._file(handler, unquote(urlsplit(handler.path).path)[1:])

    def _file(self, handler, path, port="cdn"):
        data = self.files.get(path)
        asked = handler.headers.get("Range")
        fault = ()
        if data is not None and asked not in LOOKS and handler.command == "GET":
            with self.lock:
                queue = self.faults.get(path)
                fault = queue.pop(0) if queue else ()
        what = fault[0] if fault else None
        if data is None or what == "status":
            status = fault[1] if fault else 404
            self._note(port, handler, status)
            return self._send(handler, status, b"no", fault[2] if len(fault) > 2 else None)
        if what == "bytes":
            data = fault[1]
        etag = self.etags.get(path, f'"{sha256(data) if path in self.lfs else git_sha1(data)}"')
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", asked or "")
        changed = handler.headers.get("If-Range") not in (None, etag)
        headers = {"ETag": etag, "Accept-Ranges": "bytes"}
        if port == "api":
            headers["X-Repo-Commit"] = COMMIT
        status, begin, end = 200, 0, len(data)
        if what == "gzip":
            headers["Content-Encoding"] = "gzip"
        if part and not changed and what != "whole" and getattr(self, "has_ranges", True):
            begin, end = int(part[1]), min(int(part[2]) + 1, len(data))
            if begin >= len(data):
                self._note(port, handler, 416)
                return self._send(handler, 416, headers={"Content-Range": f"bytes */{len(data)}"})
            off = fault[1] if what == "range" else 0
            status = 206
            headers["Content-Range"] = f"bytes {begin + off}-{end - 1 + off}/{len(data) + off}"
        self._note(port, handler, status)
        body = data[begin:end]
        headers["Content-Length"] = len(body) + (fault[1] if what == "length" else 0)
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key, str(value))
        handler.end_headers()
        if handler.command == "HEAD":
            return None
        if what == "cut":
            body = body[:fault[1]]
        self._pour(handler, body)
        if what in ("cut", "length"):
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(2)
        return None

    def _pour(self, handler, body):
        for at in range(0, len(body), PIECE):
            piece = body[at:at + PIECE]
            handler.wfile.write(piece)
            with self.lock:
                self.sent += len(piece)
                kill = self.on_kill if self.kill_at is not None and self.sent >= self.kill_at else None
                if kill:
                    self.kill_at = None
            if kill:
                kill()


def pip_index(hub, *wheels, place="/w"):
    """A package index of wheels (name, file name, bytes) on the hub's port, which has no ranges, or with place=hub.cdn on the
    file server, which has; the environment that makes pip use it."""
    for package in {name for name, _, _ in wheels}:
        rows = [f'<a href="{place}/{file}#sha256={sha256(data)}">{file}</a>' for name, file, data in wheels if name == package]
        hub.raw[f"/simple/{package}/"] = ("text/html", "\n".join(rows).encode())
    for _, file, data in wheels:
        hub.raw[f"/w/{file}"] = ("application/octet-stream", data)
        hub.files[file] = data
    return {"PIP_INDEX_URL": hub.url + "/simple/", "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1", "PIP_CONFIG_FILE": "/dev/null"}


def npm_package(hub, name, version, data, licence):
    """Publishes an npm package whose tarball is data."""
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    hub.files[f"{name}-{version}.tgz"] = data
    document = {"name": name, "dist-tags": {"latest": version}, "license": licence, "versions": {version: {
        "name": name, "version": version, "license": licence, "scripts": {"install": "exit 1"},
        "dist": {"tarball": f"{hub.cdn}/{name}-{version}.tgz", "integrity": "sha512-" + digest}}}}
    hub.raw[f"/{name}"] = ("application/json", json.dumps(document).encode())
