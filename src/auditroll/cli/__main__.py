"""`python -m auditroll.cli` is the command line."""

import sys

from auditroll.cli import main

if __name__ == "__main__":
    sys.exit(main())
