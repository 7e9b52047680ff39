"""The yardstick: nginx as a plain reverse proxy, one worker, connections kept alive."""

import shutil
from pathlib import Path
from typing import Final

_CONFIG: Final = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    tcp_nodelay on;
    upstream stub {{
        server 127.0.0.1:{upstream};
        keepalive 512;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://stub;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


def find() -> str | None:
    """The path of the nginx program, also where only root's PATH has it; None when absent."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def command(program: str, *, folder: Path, port: int, upstream: int) -> list[str]:
    """Write a configuration into `folder`; the command that serves it."""
    path = folder / "nginx.conf"
    path.write_text(_CONFIG.format(folder=folder, port=port, upstream=upstream))
    return [program, "-p", str(folder), "-c", str(path)]
