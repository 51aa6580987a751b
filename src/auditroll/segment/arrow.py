"""The one door to PyArrow, which ships no type information.

`Table` and `Column` name what a signature means; to a type checker both are `Any`.
"""

from importlib import import_module
from typing import Any, Final, TypeAlias

__all__ = ["Column", "Schema", "Table", "arrow_json", "compute", "encryption", "pa", "parquet"]

# A pyarrow.Table.
Table: TypeAlias = Any
# A pyarrow.ChunkedArray or pyarrow.Array.
Column: TypeAlias = Any
# A pyarrow.Schema.
Schema: TypeAlias = Any

pa: Final[Any] = import_module("pyarrow")
compute: Final[Any] = import_module("pyarrow.compute")
arrow_json: Final[Any] = import_module("pyarrow.json")
parquet: Final[Any] = import_module("pyarrow.parquet")
encryption: Final[Any] = import_module("pyarrow.parquet.encryption")
