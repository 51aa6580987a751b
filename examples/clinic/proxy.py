"""A real nginx in front: it mints each request's id, and its own log is ingested too."""

import shutil
from pathlib import Path
from typing import Final

__all__ = ["find_nginx", "write_config"]

# Names of nginx's variables are what `auditroll ingest --format json` expects without a mapping.
_CONFIG: Final = """\
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
events {{ worker_connections 256; }}
http {{
    log_format audit escape=json
        '{{"msec":$msec,"remote_addr":"$remote_addr","request_method":"$request_method",'
        '"request_uri":"$request_uri","status":$status,"body_bytes_sent":$body_bytes_sent,'
        '"request_time":$request_time,"http_user_agent":"$http_user_agent",'
        '"request_id":"$request_id"}}';
    access_log {folder}/access.log audit;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_timeout 5;
    server {{
        listen 127.0.0.1:{port};
        server_name localhost;
        # A client's own id is not handed on: nginx mints one that services may believe.
        proxy_set_header X-Request-ID $request_id;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header Host $host;
        location /appointments {{ proxy_pass http://127.0.0.1:{appointments}; }}
        location / {{ proxy_pass http://127.0.0.1:{records}; }}
    }}
}}
"""


def find_nginx() -> str | None:
    """Return nginx's program, None when it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def write_config(folder: Path, *, port: int, records: int, appointments: int) -> Path:
    """Write the configuration and return its file.

    Args:
        folder: Where nginx keeps its files.
        port: Port to listen on.
        records: Port of the records service.
        appointments: Port of the appointments service.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nginx.conf"
    path.write_text(
        _CONFIG.format(folder=folder, port=port, records=records, appointments=appointments),
        encoding="utf-8",
    )
    return path
