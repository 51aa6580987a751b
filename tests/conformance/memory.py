"""A reader over a mapping, for bundles that never touch a disk."""

import io
from collections.abc import Mapping, Sequence
from typing import BinaryIO


class MemoryReader:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    def list(self) -> Sequence[str]:
        return sorted(self.files)

    def open(self, path: str) -> BinaryIO:
        if path not in self.files:
            raise FileNotFoundError(path)
        return io.BytesIO(self.files[path])
