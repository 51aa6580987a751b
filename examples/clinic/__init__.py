"""A small clinic: two services and a worker behind nginx, each of them audited."""
