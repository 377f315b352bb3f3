"""`python -m bubo VERB ...` is `bubo VERB ...`."""

import sys

from bubo.cli import main

if __name__ == "__main__":
    sys.exit(main())
