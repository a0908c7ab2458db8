"""`python -m socal_core`, the same as `socal`: all that the pages do, without a browser."""

import sys

from socal_core.cli import main

sys.exit(main())
