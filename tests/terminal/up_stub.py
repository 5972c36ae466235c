"""`up` with small processes in place of Meridian's: the supervisor, its servers and the tables are the real ones.

Run as a program: up_stub.py DATA PORT.
"""

from __future__ import annotations

import sys
from pathlib import Path

from terminal.up.supervisor import Supervisor

WEB = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"ready": true}')
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Answer).serve_forever()
"""
WORKER = "import time\nwhile True: time.sleep(60)"
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)"


def commands(host: str, port: int, shards: int) -> dict[str, list[str]]:
    return {
        "web": ["-c", WEB, host, str(port)],
        "worker-1": ["-c", WORKER],
        "deaf-1": ["-c", DEAF],
    }


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.exit(Supervisor(root, Path(sys.argv[1]).absolute(), "127.0.0.1", int(sys.argv[2]), 1, commands).run())
